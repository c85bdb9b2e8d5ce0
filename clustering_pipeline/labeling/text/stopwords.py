"""English words that name no topic.

Published lists are either too short for labels or drop topics themselves (``world``, ``fire``,
``bill``, ``system``, ``research``), so this one is kept by hand.
"""

STOP_WORDS = frozenset(
    """
a an the this that these those some any each every either neither both all such same other another
others own several many much more most few fewer less least enough no none nor not only even also
too very quite rather so just still yet already almost again always never ever often sometimes
usually seldom soon once twice now then here there where everywhere somewhere anywhere nowhere
when whenever while why how however what whatever which whichever who whom whose whoever i me my
mine myself we us our ours ourselves you your yours yourself yourselves he him his himself she her
hers herself it its itself they them their theirs themselves one ones oneself somebody someone
something anybody anyone anything nobody nothing everybody everyone everything am is are was were
be been being do does did done doing have has had having will would shall should can could may
might must ought need needs needed dare used cannot ain't aren't can't couldn't didn't doesn't
don't hadn't hasn't haven't isn't mightn't mustn't needn't shan't shouldn't wasn't weren't won't
wouldn't i'd i'll i'm i've you'd you'll you're you've he'd he'll he's she'd she'll she's it'd
it'll it's we'd we'll we're we've they'd they'll they're they've that's that'll there's there'll
here's what's who's who'll who've where's how's let's and or but if unless because as since until
till than though although whereas whether lest of to in on at by for from with without within into
onto upon out up down off over under above below between among amongst amid across along around
about against after before behind beside besides beyond during except inside outside near past per
through throughout toward towards via versus first second third last next former latter one two
three four five six seven eight nine ten hundred thousand million millions billion billions
trillion dozen half able according actually ago ahead alike allow allowed allows alone anyway
apart aside away back became become becomes becoming began begin beginning begins begun believe
better best big bring bringing brings brought call called calling calls came certain certainly
clear clearly come comes coming consider continue continued continues continuing course despite
different else end especially etc exactly example far fact find finding finds found forth full
fully further gave general generally get gets getting give given gives giving go goes going gone
good got gotten great greater greatest greatly happen happened hard help helped helping helps
hence high higher highest hold hope i.e e.g important including include included includes indeed
instead keep keeping keeps kept kind knew know knowing known knows large larger largely largest
later lay least led left let lets letting like likely likewise little long longer look looked
looking looks lot lots made main mainly make makes making man matter mean means meant meanwhile
mere merely moreover move moved moving namely necessary never nevertheless new newer nonetheless
number old open order otherwise part particular particularly perhaps place placed please point
possible possibly present probably proud provide provided provides providing put puts putting
quickly quite ran really recent recently regard regarding remain remains required result results
right run running said saw say saying says see seeing seek seem seemed seems seen sees send sense
sent set sets setting short show showed shown shows side simply small smaller speak stand start
started stay step steps stop sure take taken takes taking talk tell tells thank thanks therefore
thereby thing things think thinking thinks thought thus time times today together told tomorrow
tonight took top tried true truly try trying turn turned turning turns unless use uses using
various want wanted wants way ways well went whole willing wish word words work worked working
works year years yes yesterday young say's mr mrs ms dr am pm vs oh okay ok dear ll ve re don isn
didn doesn wasn january february march april june july august september october november december
monday tuesday wednesday thursday friday saturday sunday day days week weeks month months
""".split()  # noqa: SIM905 - a list of seven hundred quoted words cannot be read
)
