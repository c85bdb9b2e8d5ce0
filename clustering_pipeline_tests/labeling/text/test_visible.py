"""What a reader does not see is no word, and does not cut one."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustering_pipeline.labeling.text.tokens import visible, words


def read(text: str) -> str:
    return " ".join(filter(None, words(text)))


MARKUP = {
    "a-tag-in-a-word": ("<b>w</b>ord <i>wh</i>eat", "word wheat"),
    "nested": ("<p>the <b><i>gr</i>ain</b> market</p>", "the grain market"),
    "a-break-opportunity": ("harvest<wbr>time", "harvesttime"),
    "blocks-end-words": ("<p>grain</p><p>wheat</p><td>rye</td>", "grain wheat rye"),
    "a-line-break": ("grain<br>wheat<br/>rye", "grain wheat rye"),
    "attributes": ('<a href="x?a>b" title=\'grain\'>wheat</a>', "wheat"),
    "style": ("<style>p { color: red }</style>grain", "grain"),
    "script": ("<script>if (a < b) { x = '<b>no</b>' }</script >grain", "grain"),
    "script-left-open": ("grain<script>var wheat", "grain"),
    "style-in-capitals": ("<STYLE type='text/css'>h1{}</STYLE>grain", "grain"),
    "comment": ("grain <!-- <b>wheat</b> --> rye", "grain rye"),
    "comment-left-open": ("grain <!-- wheat", "grain"),
    "conditional-comment": ("<!--[if mso]><p>wheat</p><![endif]-->grain", "grain"),
    "a-comment-in-a-word": ("wh<!-- x -->eat", "wheat"),
    "a-comment-without-words": ("wh<!-->eat", "wheat"),
    "conditional-markup": ("<![if !mso]>grain<![endif]>", "grain"),
    "template-and-noscript": ("<template>a b</template><noscript>on</noscript>rye", "rye"),
    "a-hidden-element": ('<div style="display: none">wheat <div>rye</div></div>oats', "oats"),
    "a-hidden-attribute": ("<p hidden>wheat</p><p>rye</p>", "rye"),
    "a-preheader": ("<span style='font-size:0px'>wheat</span>rye", "rye"),
    "data-hidden-is-shown": ('<p data-hidden="no">rye</p>', "rye"),
    "doctype": ("<!DOCTYPE html><?xml version='1.0'?><html><title>Rye</title></html>", "rye"),
    "cdata": ("<![CDATA[grain & wheat]]>", "grain wheat"),
    "a-tag-cut-off": ('grain <a href="http', "grain"),
    "ruby": ("<ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp>字</ruby>", "漢字"),
    "xml": ("<persName>Goethe</persName> read", "goethe read"),
    "no-tag": ("x<y and z>w, a < b", "x y and z w a b"),
    "no-tag-either": ("if i<n then 3>2", "if i n then"),
    "entities": ("caf&eacute; it&#8217;s&nbsp;AT&amp;T &hellip;", "café it at&t"),
    "entities-encoded-twice": ("caf&amp;eacute; wheat&amp;nbsp;rye", "café wheat rye"),
    "an-entity-in-a-word": ("M&uuml;ller gr&#xfc;n", "müller grün"),
    "markup-encoded": ("&lt;p&gt;grain&lt;/p&gt;&lt;style&gt;x&lt;/style&gt;", "grain"),
    "no-entity": ("R&D &unknown; Q&A", "r&d q&a"),
    "soft-hyphens": ("govern\u00adment govern&shy;ment", "government government"),
    "zero-width": ("co\u200bop co\u200dop co\u2060op \ufeffgrain", "coop coop coop grain"),
    "directions": ("\u202agrain\u202c wh\u200eeat", "grain wheat"),
    "joiners-that-are-needed": ("می\u200cخواهم", "می\u200cخواهم"),
    "spaces-that-are-none": ("grain\u00a0wheat\u2003rye", "grain wheat rye"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), MARKUP.values(), ids=MARKUP)
def test_markup_is_no_word_and_does_not_cut_one(text, said):
    assert read(text) == said


ADDRESSES = {
    "url": ("see https://x.io/wheat?a=b now", "see now"),
    "other-schemes": ("ftp://x.org/wheat git+ssh://y rye", "rye"),
    "www": ("www.wheat.example/rye oats", "oats"),
    "host": ("from cs.cmu.edu and example.com today", "from and today"),
    "host-of-a-country": ("bbc.co.uk/news heise.de rye", "rye"),
    "host-with-a-port": ("localhost.example.org:8080/x rye", "rye"),
    "mail": ("write to john.doe+x@mail.example.org or root@host", "write to or"),
    "mail-in-brackets": ("Joe <joe@example.org> said", "joe said"),
    "mailto": ("mailto:joe@example.org rye", "rye"),
    "initials": ("U.S. policy, e.g. this", "u.s. policy e.g. this"),
    "a-sentence-without-a-space": ("the end.Then rye", "the end then rye"),
    "a-program": ("Node.js runs", "node js runs"),
}


@pytest.mark.parametrize(("text", "said"), ADDRESSES.values(), ids=ADDRESSES)
def test_hosts_and_addresses_are_no_words(text, said):
    assert read(text) == said


NEWS = (
    "From: joe@cs.example.edu (Joe Miller)\nSubject: Re: Grain prices\n"
    "Organization: Wheat State University\nLines: 12\nNNTP-Posting-Host: a.b.edu\n"
    "X-Newsreader: TIN\n\n"
)
LETTERS = {
    "news": (f"{NEWS}Rye is dear.", "grain prices rye is dear"),
    "mail": (
        "Received: from x;\n\tMon, 1 Jan\nFrom: A\nSubject: =?UTF-8?Q?caf=C3=A9?=\n news\n\nRye.",
        "café news rye",
    ),
    "mbox": ("From a@b Mon Jan  1 10:00:00 2024\nFrom: a\nTo: b\n\nRye.", "rye"),
    "german-headers": ("Von: A\nAn: B\nBetreff: AW: WG: Getreide\n\nRoggen.", "getreide roggen"),
    "chinese-headers": ("发件人：甲\n主题：粮食\n\n小麦", "粮食 小麦"),
    "a-line-that-looks-like-one": ("Note: rye\nDate: today\nwheat", "note rye date today wheat"),
    "one-header-is-none": ("From: the sea to the land", "from the sea to the land"),
    "fields-of-a-ticket": ("Status: open\nDate: today\nRye", "status open date today rye"),
    "quotation": ("Yes.\n> old wheat\n> > older\n>oldest\nRye.", "yes rye"),
    "quotation-by-initials": ("JD> old wheat\nRye.", "rye"),
    "attribution": ("In article <1@x> joe@b (Joe) writes:\n> old\n\nRye.", "rye"),
    "attribution-on-two-lines": (
        "Rye.\n\nOn Mon, Jan 1, 2024 at 5:00 PM Joe Miller <j@x.org>\nwrote:\n> old",
        "rye",
    ),
    "attribution-by-name": ("Joe Miller wrote:\n> old\nRye.", "rye"),
    "german-attribution": ("Roggen.\n\nAm 1.1.2024 um 10:00 schrieb Joe:\n> alt", "roggen"),
    "french-attribution": ("Seigle.\n\nLe 1 mai 2024 à 10:00, Joe a écrit :\n> ancien", "seigle"),
    "spanish-attribution": ("Centeno.\nEl lun, 1 ene 2024, Joe escribió:\n> viejo", "centeno"),
    "russian-attribution": ("Рожь.\n1 янв. 2024 г. Иван пишет:\n> старое", "рожь"),
    "a-sentence-with-a-colon": ("The committee wrote:\nwe agree.", "the committee wrote we agree"),
    "a-sentence-with-a-year": ("In 1990 he said:\nwe agree.", "in he said we agree"),
    "a-subject-alone": ("Subject: Grain\n\nRye.", "grain rye"),
    "a-subject-that-is-none": ("Subject: grain\nRye.", "subject grain rye"),
    "original-message": (
        "Rye.\n\n-----Original Message-----\nFrom: A\nSent: Monday\nTo: B\nSubject: Old\n\nWheat.",
        "rye",
    ),
    "german-original": ("Roggen.\n\n---Ursprüngliche Nachricht---\nVon: A\n\nAlt.", "roggen"),
    "outlook": (
        "Rye.\n________________\nFrom: A\nSent: Monday\nTo: B\nSubject: Old\n\nWheat",
        "rye",
    ),
    "french-outlook": ("Seigle.\n\nDe : A\nEnvoyé : lundi\nÀ : B\nObjet : Vieux\n\nBlé", "seigle"),
    "forwarded": (
        "Look.\n---------- Forwarded message ---------\nFrom: A\nDate: Mon\nSubject: Rye\n\nWheat.",
        "rye look wheat",
    ),
    "signature": ("Rye.\n-- \nJoe Miller\nWheat State University", "rye"),
    "signature-without-its-space": ("Rye.\n--\nJoe Miller", "rye"),
    "a-rule-in-a-long-text": ("Rye.\n--\n" + "wheat\n" * 30, "rye" + " wheat" * 30),
    "telephone": ("Rye.\n\nSent from my iPhone", "rye"),
    "german-telephone": ("Roggen.\n\nVon meinem iPhone gesendet", "roggen"),
    "uuencoded": ("Rye.\nbegin 644 a.bin\nM1234ABCD\n`\nend\nOats.", "rye oats"),
    "base64": ("Rye.\n" + "QUJD" * 19 + "\n" + "QUJD" * 19 + "\nOats.", "rye oats"),
    "data-address": ("Rye data:image/png;base64," + "QUJD" * 40 + " oats", "rye oats"),
    "pgp": (
        "Rye.\n-----BEGIN PGP SIGNATURE-----\niQEz\n=ab\n-----END PGP SIGNATURE-----\n",
        "rye",
    ),
    "quoted-printable": ("govern=\nment of caf=C3=A9s=20", "government of cafés"),
    "nothing-but-quotations": ("> rye\n> wheat", "rye wheat"),
    "reply-in-a-subject": ("Re: Fwd: AW: Grain prices", "grain prices"),
    "no-reply": ("Rest: grain, re: wheat", "rest grain re wheat"),
    "html-mail": (f"{NEWS}<p>R<b>y</b>e</p><blockquote>x</blockquote>", "grain prices rye x"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), LETTERS.values(), ids=LETTERS)
def test_only_what_its_author_wrote_is_of_a_letter(text, said):
    assert read(text) == said


@pytest.mark.parametrize(
    "text", ["", " ", "\n", "<", ">", "&", "<!--", "--", "-- \n", "Re:", "=\n", "=??="]
)
def test_what_says_nothing_has_no_words(text):
    assert [word for word in words(text) if word] == [] or text == "Re:"


PARTS = st.sampled_from(
    [
        *(
            "<b>",
            "</b>",
            "<p",
            ">",
            "<!--",
            "-->",
            "<script>",
            "</script>",
            "<div hidden>",
            "</div>",
        ),
        *("&amp;", "&#", ";", "'", '"', "=", "\n", "> ", "--\n", "From: a\n", "Subject: b\n", "é"),
        *(
            "grain",
            " ",
            "漢",
            "\u200b",
            "&lt;",
            "<![CDATA[",
            "]]>",
            "On 1",
            "begin 644 x\n",
            "wrote:\n",
        ),
    ]
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(PARTS, max_size=40).map("".join) | st.text(max_size=60))
def test_any_text_has_a_visible_part_that_shows_no_tag(text):
    seen = visible(text)
    assert not re.search(r"</?(?:b|p|script|div)>", seen)
    assert all(isinstance(word, str) for word in words(text))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(("grain", "wheat", "rye")), min_size=1, max_size=5), st.data())
def test_a_tag_anywhere_in_a_word_changes_nothing(said, data):
    text = " ".join(said)
    at = data.draw(st.integers(0, len(text)))
    tag = data.draw(
        st.sampled_from(("<b>", "</i>", "<!-- x -->", "&shy;", "\u200b", "<span a='>'>"))
    )
    assert read(text[:at] + tag + text[at:]) == text


@pytest.mark.parametrize(
    "part", ["<", "<a ", '<a "', "<a '", "<!--", "<div hidden>", "<rp>", "&amp;", ">\n", "a:\n"]
)
def test_a_long_text_of_one_sign_is_read_at_once(part):
    assert isinstance(visible(part * 2_000), str)
