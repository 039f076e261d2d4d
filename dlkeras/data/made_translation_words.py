"""The words that `dlkeras.data.made_translations` puts together, English and German."""

FAMILY = ("sister", "brother", "aunt", "uncle")
PERSONS = ("man", "woman", "child", "boy", "girl", "farmer", "king", "queen")
# English, its plural, German, its plural, gender.
NOUNS = {
    line.split()[0]: line.split()
    for line in """\
man men Mann Männer m
woman women Frau Frauen f
child children Kind Kinder n
boy boys Junge Jungen m
girl girls Mädchen Mädchen n
farmer farmers Bauer Bauern m
king kings König Könige m
queen queens Königin Königinnen f
sister sisters Schwester Schwestern f
brother brothers Bruder Brüder m
aunt aunts Tante Tanten f
uncle uncles Onkel Onkel m
apple apples Apfel Äpfel m
book books Buch Bücher n
newspaper newspapers Zeitung Zeitungen f
letter letters Brief Briefe m
coat coats Mantel Mäntel m
jacket jackets Jacke Jacken f
dress dresses Kleid Kleider n
hat hats Hut Hüte m
key keys Schlüssel Schlüssel m
ball balls Ball Bälle m
bag bags Tasche Taschen f
box boxes Kiste Kisten f
chair chairs Stuhl Stühle m
lamp lamps Lampe Lampen f
cup cups Tasse Tassen f
bicycle bicycles Fahrrad Fahrräder n
picture pictures Bild Bilder n
window windows Fenster Fenster n
door doors Tür Türen f
dog dogs Hund Hunde m
cat cats Katze Katzen f
horse horses Pferd Pferde n
tree trees Baum Bäume m
house houses Haus Häuser n
bridge bridges Brücke Brücken f""".splitlines()
}
# Four English forms and what follows them; four German forms and what parts from them; the things that it is done to.
VERBS = [
    [part.split() for part in line.split("|")]
    for line in """\
buy buys buying bought || kaufe kauft kaufen gekauft || apple book newspaper coat hat ball bag lamp bicycle picture
sell sells selling sold || verkaufe verkauft verkaufen verkauft || apple dress jacket chair cup bicycle horse house
see sees - saw || sehe sieht sehen gesehen || dog cat horse tree bicycle house bridge
find finds - found || finde findet finden gefunden || key ball bag cat hat letter box
read reads reading read || lese liest lesen gelesen || book newspaper letter
paint paints painting painted || male malt malen gemalt || tree house bridge horse dog
carry carries carrying carried || trage trägt tragen getragen || bag box chair lamp picture
pick picks picking picked | up | hebe hebt heben gehoben | auf | key ball hat cup apple
bring brings bringing brought | along | bringe bringt bringen gebracht | mit | book ball dog chair newspaper
open opens opening opened || mache macht machen gemacht | auf | window door box letter
close closes closing closed || mache macht machen gemacht | zu | window door box bag
try tries trying tried | on | probiere probiert probieren probiert | an | coat jacket dress hat
look looks looking looked | at | schaue schaut schauen geschaut | an | picture house horse letter dress
put puts putting put | away | räume räumt räumen geräumt | weg | book cup ball box""".splitlines()
]
# Adjectives, and what they are in German before their endings.
OF_PERSONS = {"old": "alt", "young": "jung", "friendly": "freundlich", "tall": "groß", "rich": "reich"}
OF_THINGS = {
    **{"old": "alt", "small": "klein", "big": "groß", "beautiful": "schön", "new": "neu"},
    **{"white": "weiß", "black": "schwarz", "brown": "braun"},
}
ADJECTIVES = OF_PERSONS | OF_THINGS
# Each pronoun, and its person: I; he, she; we, they.
PRONOUNS = {"I": ("ich", 0), "he": ("er", 1), "she": ("sie", 1), "we": ("wir", 2), "they": ("sie", 2)}
# Each article's stem, and the kind of its endings.
ARTICLES = {
    "the": ("d", "definite"),
    "a": ("ein", "indefinite"),
    "no": ("kein", "indefinite"),
    "my": ("mein", "indefinite"),
    "our": ("unser", "indefinite"),
    "two": ("zwei", "number"),
    "three": ("drei", "number"),
}
# The endings of an article and of an adjective after it, by kind, case and gender; p is the plural.
ENDINGS = {
    ("definite", "nominative"): {"m": ("er", "e"), "f": ("ie", "e"), "n": ("as", "e"), "p": ("ie", "en")},
    ("definite", "accusative"): {"m": ("en", "en"), "f": ("ie", "e"), "n": ("as", "e"), "p": ("ie", "en")},
    ("indefinite", "nominative"): {"m": ("", "er"), "f": ("e", "e"), "n": ("", "es"), "p": ("e", "en")},
    ("indefinite", "accusative"): {"m": ("en", "en"), "f": ("e", "e"), "n": ("", "es"), "p": ("e", "en")},
    ("number", "nominative"): {"p": ("", "e")},
    ("number", "accusative"): {"p": ("", "e")},
}
PLACES = {
    **{"in the garden": "im Garten", "in the park": "im Park", "at the market": "auf dem Markt"},
    **{"at the station": "am Bahnhof", "in the city": "in der Stadt", "at school": "in der Schule"},
    **{"on the beach": "am Strand", "in the village": "im Dorf", "behind the church": "hinter der Kirche"},
}
_COMING = {"today": "heute", "tomorrow": "morgen", "this evening": "heute Abend", "on Friday": "am Freitag"}
TIMES = {
    "progressive": {"today": "heute", "now": "jetzt", "at the moment": "im Moment"},
    "habit": {"every day": "jeden Tag", "every morning": "jeden Morgen", "on Sundays": "sonntags"},
    "past": {
        "yesterday": "gestern",
        "last week": "letzte Woche",
        "on Monday": "am Montag",
        "this morning": "heute Morgen",
    },
    **dict.fromkeys(("future", "want", "can", "must"), _COMING),
}
# Forms by person: I; he or she; we or they.
AUXILIARIES = {
    "progressive": ("am", "is", "are"),
    "habit": ("do", "does", "do"),
    "past": ("did", "did", "did"),
    "future": ("will", "will", "will"),
    "want": ("do", "does", "do"),
    "can": ("can", "can", "can"),
    "must": ("must", "must", "must"),
}
GERMAN_AUXILIARIES = {
    "past": ("habe", "hat", "haben"),
    "future": ("werde", "wird", "werden"),
    "want": ("will", "will", "wollen"),
    "can": ("kann", "kann", "können"),
    "must": ("muss", "muss", "müssen"),
}
SAYING = (
    (("say", "says", "say"), ("sage", "sagt", "sagen")),
    (("know", "knows", "know"), ("weiß", "weiß", "wissen")),
    (("think", "thinks", "think"), ("glaube", "glaubt", "glauben")),
)
# Of now, and of what is past.
BEING = {
    False: (("am", "is", "are"), ("bin", "ist", "sind")),
    True: (("was", "was", "were"), ("war", "war", "waren")),
}
MOODS = {"tired": "müde", "hungry": "hungrig", "ill": "krank", "happy": "glücklich"}
