"""Which language a text is in, of the fifteen that the examples speak: by its script, else by its small words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

LOOKED_AT = 2_000
"""Characters. More tells nothing new."""

_SCRIPTS = (
    ("ko", re.compile(r"[\uac00-\ud7af\u3131-\u318e]")),
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("zh", re.compile(r"[\u3400-\u9fff]")),
    ("hi", re.compile(r"[\u0900-\u097f]")),
    ("ar", re.compile(r"[\u0600-\u06ff]")),
    ("ru", re.compile(r"[\u0400-\u04ff]")),
)
_LATIN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|https?://\S+", re.DOTALL)
_ENOUGH_JAPANESE = 0.1
"""Of the Japanese and Chinese characters, so much kana makes it Japanese: a quoted word does not."""

_SMALL_WORDS = {
    "en": "the of and to a in is that it for you with as are this on be can or we by from at an if not your but have"
    " will do does what how why my i me he she they was were so just about which would should could i'm it's don't"
    " there them his her our please when who one out up no im dont u whats any all has had been did get like more than"
    " some into only after also make give now write these where",
    "de": "der die das und ist nicht ich ein eine zu den mit von für auf dem sich es wie was kann ich mir mich mein"
    " meine du wir sie er auch aber oder wenn noch nur bei aus nach so zum zur im am hat habe sind war wird einen"
    " einem einer warum wo wer bitte kein keine über mehr schon doch dann da bin ob als man",
    "es": "el la los las de que y en un una es por con para no se lo como qué me mi te su al del más pero si está"
    " cómo hay son tengo puedo cuál ya porque esto esta este muy o le yo ser hacer quiero sobre sin cuando sus fue",
    "fr": "le la les de des du et un une est que qui je ne pas pour dans en sur avec ce il elle on nous vous se mon ma"
    " mes au aux plus mais ou où si comment pourquoi quel quelle c'est j'ai d'un qu'il l'on suis ça ai être fait tu te"
    " moi par son sa cette sont était y peux",
    "pt": "o a os as de que e em um uma é para com não se por como do da dos das no na meu minha você eu mais mas ou"
    " está são tem isso esse este essa muito já ele ela quando qual posso quero fazer foi ao seu sua me pra também ser",
    "it": "il lo la i gli le di che e è un una per con non si come in del della dei delle al alla da mi ti ma o se più"
    " sono ho cosa perché questo questa anche mio mia nel nella ci quando posso fare devo molto già dove ha hanno era",
    "nl": "de het een en van in is dat niet ik je met op te voor zijn er aan hoe wat kan mijn maar als om ook of naar"
    " bij die dit we heb heeft was nog wel geen mij hij ze dan uit waarom moet mag deze door over wordt ben",
    "pl": "i w na nie się jest do to że z jak co o po ja mi mam czy dla ale od za jego mój moja tak być przez są może"
    " ten ta te tym już kiedy gdzie dlaczego tylko jeśli mnie które która który bez pod ma ze go",
    "tr": "bir ve bu için ne mi mı mu mü ile da de çok ama nasıl ben bana benim var yok o daha gibi kadar değil neden"
    " olarak en sonra ya şu hangi misin mısın musun olur her şey biraz hem veya",
    "hi": "hai kya mujhe mera meri nahi nahin kaise hain kar karna ka ki ke ko se mein aur bhi tum aap main hum toh ho"
    " raha rahi kyun kab kaun yeh woh",
}
_OWN_LETTERS = {
    "de": "äöüß", "es": "ñ¿¡áéíóú", "fr": "àâçèéêëîïôùûœ", "pt": "ãõçáéíóúâêô", "it": "àèéìòù",
    "pl": "ąćęłńóśźż", "tr": "çğışöü",
}  # fmt: skip
_LETTER_WEIGHT = 0.35


def detect_language(text: str) -> str | None:
    """The ISO 639-1 code, or None where the text gives no sign of one. Code and addresses do not count."""
    cleaned = _CODE.sub(" ", text[:LOOKED_AT])
    counts = {code: len(pattern.findall(cleaned)) for code, pattern in _SCRIPTS}
    latin = _LATIN.findall(cleaned.lower())
    written = sum(len(word) for word in latin)
    if counts["ja"] and counts["ja"] >= _ENOUGH_JAPANESE * (counts["ja"] + counts["zh"]):
        counts["ja"] += counts["zh"]
        counts["zh"] = 0
    # A character of another script says as much as two or three Latin letters.
    dense = {"ko": 2.5, "ja": 2.5, "zh": 3.0}
    best = max(counts, key=lambda code: counts[code] * dense.get(code, 1.0))
    if counts[best] and counts[best] * dense.get(best, 1.0) * 2 >= written:
        return best
    return _latin_language(latin)


def _latin_language(words: Iterable[str]) -> str | None:
    speakers, letters = _profiles()
    scores = dict.fromkeys(_SMALL_WORDS, 0.0)
    for word in words:
        plain = word.replace("’", "'")
        for code in speakers.get(plain, ()):
            scores[code] += 1.0 / len(speakers[plain])
        for letter in letters.keys() & set(plain):
            for code in letters[letter]:
                scores[code] += _LETTER_WEIGHT / len(letters[letter])
    best = max(scores, key=lambda code: scores[code])
    return best if scores[best] > 0 else None


@lru_cache(maxsize=1)
def small_words() -> frozenset[str]:
    """The words that every text of these languages is full of."""
    return frozenset(_profiles()[0])


@lru_cache(maxsize=1)
def _profiles() -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Who says a word, and who writes a letter."""
    speakers: dict[str, list[str]] = {}
    for code, words in _SMALL_WORDS.items():
        for word in set(words.split()):
            speakers.setdefault(word, []).append(code)
    letters: dict[str, list[str]] = {}
    for code, own in _OWN_LETTERS.items():
        for letter in own:
            letters.setdefault(letter, []).append(code)
    return speakers, letters
