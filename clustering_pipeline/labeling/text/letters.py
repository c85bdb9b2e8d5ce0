"""What its author wrote of a letter: mail and news without headers, quotations and signatures."""

import re
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from itertools import takewhile

_SUBJECT_NAMES = """
subject betreff objet oggetto asunto assunto onderwerp ämne emne aihe temat předmět тема 主题 主旨
件名 제목 keywords summary
"""
_SENT_NAMES = """
sent gesendet envoyé inviato enviado enviada verzonden skickat sendt lähetetty wysłano
отправлено 发送时间 送信日時 보낸날짜
"""
_OTHER_NAMES = """
from to cc bcc date reply-to sender message-id in-reply-to references received return-path
delivered-to mime-version content-type content-transfer-encoding content-disposition
content-language content-length organization organisation lines nntp-posting-host newsgroups
path xref followup-to followups-to distribution expires approved article-i.d. user-agent
importance priority precedence list-id list-unsubscribe list-archive list-post list-help
dkim-signature authentication-results thread-topic thread-index errors-to originator
nntp-posting-date control supersedes status return-receipt-to disposition-notification-to von an
kopie datum de à da inviato a para fecha data van aan från till od do komu от кому дата копия
发件人 收件人 抄送 日期 差出人 宛先 日時 보낸사람 받는사람
"""
_SUBJECTS, _SENT = frozenset(_SUBJECT_NAMES.split()), frozenset(_SENT_NAMES.split())
_NAMES = _SUBJECTS | _SENT | frozenset(_OTHER_NAMES.split())
_SENDERS = frozenset(
    (
        "from",
        "von",
        "de",
        "da",
        "van",
        "från",
        "od",
        "от",
        "发件人",
        "差出人",
        "보낸사람",
        "newsgroups",
    )
)
_TOLD = _SENDERS | (_SUBJECTS - {"keywords", "summary"})
_MOST_HEADERS = 100
_HEADER = re.compile(r"^\*?([^\W\d_][\w.'-]{0,40}(?: ?[^\W\d_]{1,10})?) ?\*? ?[:：]\*?\s*(.*)$")
_MBOX = re.compile(r"^>?From \S+ .*\d\d:\d\d.*\d{4}")
_REPLY = re.compile(
    r"^\s*(?:(?:re|fwd?|aw|wg|sv|vs|antw|tr|rv|res|ref|odp|回复|转发|答复)(?:\[\d+\])?\s*[:：]\s*)+",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"^\s{0,3}(?:>|\|\s|[A-Z][A-Za-z]{0,3}>)|^:\s")
_WROTE = (
    r"(?:wrote|writes|said|schrieb(?: .{2,80})?|a écrit|escribió|escreveu|ha scritto|scrisse"
    r"|schreef(?: .{2,60})?|skrev(?: .{2,60})?|kirjoitti|napisał(?:\(a\)|a)?|napsal(?:\(a\)|a)?"
    r"|пишет|писал(?:\(а\)|а)?|написал(?:\(а\)|а)?|写道|寫道|のメール|さんは書きました|작성"
    r"|wrote in message .{1,80})\s*[:：]\s*$"
)
_SAYS = re.compile(_WROTE)
_BEGINS = re.compile(r"\d|@|^\s*(?:In|On|Am|Le|El|Il|Op|Em|Den|Quoting)\b")
_DATED = re.compile(r"@|\d[:.h]\d\d")
_BY_NAME = re.compile(r"^.{1,80}" + _WROTE)
_ORIGINAL = re.compile(
    r"^[-_=\s>]*(?:original (?:message|appointment)|reply message|ursprüngliche nachricht"
    r"|originalnachricht|message d'origine|message original|mensaje original|messaggio originale"
    r"|mensagem original|oorspronkelijk bericht|originalmeddelande|ursprungligt meddelande"
    r"|oprindelig meddelelse|opprinnelig melding|alkuperäinen viesti|wiadomość oryginalna"
    r"|исходное сообщение|原始邮件|原始郵件|元のメッセージ|원본 메시지)[-_=\s]*$",
    re.IGNORECASE,
)
_FORWARDED = re.compile(
    r"^[-_=\s>]*(?:begin )?(?:forwarded (?:message|by .*)|weitergeleitete nachricht"
    r"|message transféré|mensaje reenviado|messaggio inoltrato|mensagem encaminhada"
    r"|doorgestuurd bericht|vidarebefordrat meddelande|пересылаемое сообщение|转发邮件)"
    r"[-_=\s:]*$",
    re.IGNORECASE,
)
_DEVICE = re.compile(
    r"^(?:sent from (?:my|outlook|mail|yahoo|samsung)\b.{0,60}|get outlook for .{0,20}"
    r"|von meinem .{0,40} gesendet|gesendet mit .{0,40}|envoyé (?:de|depuis) mon .{0,40}"
    r"|enviado desde mi .{0,40}|enviado do meu .{0,40}|inviato da(?:l mio)? .{0,40}"
    r"|verzonden vanaf mijn .{0,40}|skickat från min .{0,40}|отправлено с (?:моего )?.{0,40})$",
    re.IGNORECASE,
)
_SIGNATURE = re.compile(r"^--\s?$")
_CODED = re.compile(r"^(?:[A-Za-z0-9+/]{60,}={0,2}|M[\x20-\x60]{60})$")
_UUENCODED = re.compile(r"^begin [0-7]{3,4} \S")
_ARMOUR = re.compile(r"^-----(BEGIN|END) ([A-Z ]+)-----$")
_LONG = re.compile(r"(?:data:[\w/+.-]+;base64,)?[A-Za-z0-9+/=_-]{100,}")
_CODE = re.compile(r"^data:|^(?=.*[A-Z])(?=.*[a-z])(?=.*[0-9+/=])")
_LONGEST_WORD = 100
_LONGEST_ATTRIBUTION = 400
_LAST_LINES = 20


def written(text: str) -> str:
    """The author's own lines; a text that is nothing but quotations keeps them."""
    if max(map(len, text.split()), default=0) >= _LONGEST_WORD:
        text = _LONG.sub(lambda word: "\n" if _CODE.search(word.group()) else word.group(), text)
    if "=\n" in text or "=?" in text:
        text = _decoded(text)
    text = _REPLY.sub("", text) if ":" in text[:12] or "：" in text[:12] else text
    if "\n" not in text and not text.startswith(">"):
        return text
    lines = text.splitlines()
    own = _own(lines)
    if any(map(str.isalpha, own)):
        return own
    return "\n".join(_QUOTED.sub("", line) for line in lines)


def _own(lines: list[str]) -> str:
    """Subjects, then all lines but those that another wrote, or a machine."""
    subjects: list[str] = []
    kept: list[str] = []
    at = 0
    while at < len(lines):
        length, told, stops = _block(lines, at)
        if length:
            if stops and any(map(str.strip, kept)):
                break
            subjects += told
            at += length
            continue
        line = lines[at].strip()
        if _ORIGINAL.match(line) and any(map(str.strip, kept)):
            break
        if _SIGNATURE.match(lines[at]) and len(lines) - at <= _LAST_LINES and kept:
            break
        skipped = _skipped(lines, at)
        if not skipped:
            kept.append(lines[at])
        at += skipped or 1
    return "\n".join([*subjects, *kept])


def _skipped(lines: list[str], at: int) -> int:
    """How many lines from here are not the author's."""
    line = lines[at].strip()
    if not line:
        return 0
    if _UUENCODED.match(line):
        return 2 + len(list(takewhile(lambda each: each.strip() != "end", lines[at + 1 :])))
    armour = _ARMOUR.match(line)
    if armour and armour[1] == "BEGIN" and "MESSAGE" not in armour[2]:
        return 1 + len(
            list(takewhile(lambda each: not _ARMOUR.match(each.strip()), lines[at + 1 :]))
        )
    if armour or _CODED.match(line) or _FORWARDED.match(line) or _ORIGINAL.match(line):
        return 1
    if _QUOTED.match(lines[at]) or _DEVICE.match(line) or _MBOX.match(line):
        return 1
    return _attribution(lines, at)


def _attribution(lines: list[str], at: int) -> int:
    """Lines that say whom the next ones quote, which mail programs break where they are long."""
    if not _BEGINS.search(lines[at]):
        by_name = _BY_NAME.match(lines[at]) is not None
        return int(by_name and _quotes_next(lines, at + 1))
    for length, line in enumerate(takewhile(str.strip, lines[at : at + 3]), start=1):
        if line.rstrip().endswith((":", "：")):
            said = " ".join(lines[at : at + length])
            known = _DATED.search(said) or _quotes_next(lines, at + length)
            return (
                length if known and len(said) <= _LONGEST_ATTRIBUTION and _SAYS.search(said) else 0
            )
    return 0


def _quotes_next(lines: list[str], at: int) -> bool:
    following = next(filter(str.strip, lines[at : at + 3]), "")
    return _QUOTED.match(following) is not None


def _block(lines: list[str], at: int) -> tuple[int, list[str], bool]:
    """A run of headers: its length, what its subjects say, whether a quoted letter begins by it."""
    if ":" not in lines[at] and "：" not in lines[at]:
        return 0, [], False
    names: list[str] = []
    subjects: list[str] = []
    end = at
    while end < min(len(lines), at + _MOST_HEADERS):
        header = _HEADER.match(lines[end].rstrip())
        name = header[1].replace(" ", "").casefold() if header else ""
        if header and (name in _NAMES or name.startswith("x-") or (len(names) > 1 and "-" in name)):
            names.append(name)
            if name in _SUBJECTS:
                subjects.append(_REPLY.sub("", (header[2] or "").strip()))
        elif not (names and lines[end][:1] in {" ", "\t"} and lines[end].strip()):
            break
        elif names[-1] in _SUBJECTS:
            subjects[-1] += " " + lines[end].strip()
        end += 1
    alone = len(names) == 1 and names[0] in _SUBJECTS and lines[end : end + 1] == [""]
    if not (alone or len(set(names)) > 1) or _TOLD.isdisjoint(names):
        return 0, [], False
    return end - at, subjects, not _SENT.isdisjoint(names)


_WORD = re.compile(r"=\?[\w-]+\?[bqBQ]\?[^?\s]*\?=(?:\s+(?==\?))?")


def _decoded(text: str) -> str:
    """As read where mail was stored as it travelled: quoted-printable, and words in headers."""
    if "=?" in text:
        text = _WORD.sub(_word, text)
    if not re.search(r"\S=\n", text) or "=\n=\n" in text:
        return text
    return re.sub(r"(?:=[0-9A-F]{2})+|=\n", _printable, text)


def _printable(coded: re.Match[str]) -> str:
    digits = coded.group().replace("=", "")
    return "" if digits == "\n" else bytes.fromhex(digits).decode("utf-8", "replace")


def _word(coded: re.Match[str]) -> str:
    try:
        return str(make_header(decode_header(coded.group().strip())))
    except (HeaderParseError, LookupError, ValueError):
        return coded.group()
