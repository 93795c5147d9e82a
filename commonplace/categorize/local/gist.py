"""A title, a summary and tags taken from a conversation's own words. Nothing is invented: every sentence was said."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import filterfalse

import msgspec

from commonplace.categorize.contract import Subject, TagsPolicy
from commonplace.categorize.local.examples import examples
from commonplace.categorize.local.fields import own_title, saying, shorten
from commonplace.categorize.local.forms import IDEOGRAMS, folded
from commonplace.categorize.local.languages import small_words
from commonplace.categorize.local.lexicon import lexicon
from commonplace.categorize.local.tagging import Recurring, choose, likely

LONGEST_TITLE = 60
LONGEST_SENTENCE = 240
_LONGEST_READ = 3_000
_QUESTIONS_READ, _ANSWERS_READ = 8, 4
_SENTENCE = re.compile(r"(?:[^.!?。！？…\n]+|[.!?…](?=[^\s.!?…]))+(?:[.!?。！？…]+|\n|$)")
_SAYS_SOMETHING = re.compile(r"[^\W_].*[^\W_]", re.DOTALL)
_CODE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_INDENTED = re.compile(
    r"^(?!\s|[-*+•]\s|\d+[.)]\s)(?P<before>.*\n)\s*^(?: {4}|\t).*(?:\n(?:[^\S\n]*\n)*(?: {4}|\t).*)*", re.MULTILINE
)
"""Code as Markdown has it without a fence; below an item of a list it would be the item's next paragraph."""
_WRAPPED = re.compile(r"^(\S.{58,}(?:[^\W\d_]|[,;]))\n(?=(\w))", re.MULTILINE)
"""A long line that ends without ending a sentence, and how the next begins: small, where the sentence goes on."""
_HEADING = re.compile(r"^#{1,6}\s.*$", re.MULTILINE)
_ASIDE = re.compile(r"<details><summary>.*?(?:</details>|\Z)", re.DOTALL)
"""What our readers folded away: thoughts and the calls of tools."""
_MARKUP = re.compile(
    r"^\s*(?:[#>*•-]+|\d+[.)])\s+|[*_`]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}|!?\[([^\]]*)\]\([^)]*\)", re.MULTILINE
)
_MARKED = re.compile(r"[#>*•_`\[\d-]")
_TABLE = re.compile(r"^\s*\|.*$", re.MULTILINE)
_TERM = re.compile(r"[^\W\d_][\w\u0900-\u097f'’+#-]*[\w\u0900-\u097f+#]")
_LONG_TERM = re.compile(r"[^\W\d_][\w\u0900-\u097f'’+#-]+[\w\u0900-\u097f+#]")
"""Of three letters: one of two says nothing, where letters are no words."""
_PLEASANTRY = re.compile(
    r"^(?:hi|hello|hey|hallo|hola|bonjour|ciao|olá|oi|привет|cześć|merhaba|hoi|sure|certainly|of course|great question|"
    r"thanks|thank you|ok|okay|gern|natürlich|claro|bien sûr|certo|конечно)\b[\s,!.]*",
    re.IGNORECASE,
)
_PARTICLES = re.compile(r"(?:에서|으로|에게|까지|부터|이랑|은|는|이|가|을|를|에|의|도|로|와|과|랑|요|만)$")
_HANGUL = re.compile(r"[\uac00-\ud7af]")
_KANJI_OR_KATAKANA = re.compile(r"[\u4e00-\u9fff]{2,6}|[\u30a0-\u30ff]{3,12}")
_SAID_ANYWHERE = """
    want need help get got make made like know think good new way time day thing things people really something
    else use using used try tried still even now then here yes sure thanks okay hello hey hi please sorry lot bit
    much going doing done look see say said tell ask right wrong work works keep put take come back first last next
    two one three im ive dont doesnt didnt cant isnt wont thats whats lets youre it's that's i've can't didn't
    doesn't isn't you're let's what's won't well maybe actually yeah nope could would should might must may shall
    explain write its shes hes theyre weve same too again down over every many long best old start stop nothing
    everything anything someone everyone says said went gone doesn days weeks months years today tomorrow yesterday
    week month year hour hours minutes night morning min name number line lol tmrw pls same else ever never almost
    whole last half little big small kind part side top end other others off find found mean means turn bad fine
    worse worst better normal wants wanted forgot tho though ppl guy guys ones one's open fun funny point points
    habe kann soll wird gibt mal ganz sehr etwas alles jetzt hier danke bitte gut machen geht dass
    immer wieder tengo hacer puede quiero algo todo bien ahora gracias tiene faire peut veux quelque tout
    maintenant merci fait dois fazer pode quero tudo bem agora obrigado fare può voglio qualcosa tutto bene adesso
    grazie это что как для если меня мне мой моя можно нужно надо есть было быть чтобы или уже очень просто только
    еще ещё тут там они она его вот так при без под над где когда почему
"""
_COMMON_WORDS = frozenset(_SAID_ANYWHERE.split())


class Gist(msgspec.Struct, frozen=True):
    """What can be taken from a conversation."""

    title: str | None
    """For conversations that have none."""
    summary: str
    tags: list[str]


class _Understood(msgspec.Struct, frozen=True):
    """What is read of a conversation: texts, and words of them."""

    asked: list[str]
    answered: list[str]
    title_words: list[str]
    asked_words: list[list[str]]
    terms: dict[str, float]
    """Words that stand out, and how much."""


def gist_of(subject: Subject, policy: TagsPolicy, recurring: Recurring = Recurring()) -> Gist:
    """`recurring`: words that other conversations have, too; tags are taken from them first."""
    read, title = _understood(subject), own_title(subject)
    if policy.allowed:
        tags = _allowed(policy, read.terms, [title or "", *read.asked])
    else:
        tags = choose(_likely(read, recurring), recurring, policy.most)
    return Gist(
        title=None if title else _title(read.asked, read.answered),
        summary=_summary(read.asked, read.answered, read.terms),
        tags=tags,
    )


def candidates(subject: Subject) -> list[str]:
    """What may become a tag of a conversation, all others left aside."""
    return _likely(_understood(subject), Recurring())


def _likely(read: _Understood, recurring: Recurring) -> list[str]:
    return likely(read.terms, read.title_words, read.asked_words, recurring)


def _understood(subject: Subject) -> _Understood:
    asked = _read("user", subject, _QUESTIONS_READ)
    answered = _read("assistant", subject, _ANSWERS_READ)
    title_words, asked_words = words_of(own_title(subject) or ""), [words_of(text) for text in asked]
    return _Understood(asked, answered, title_words, asked_words, _terms(title_words, asked_words, answered))


def _read(role: str, subject: Subject, most: int) -> list[str]:
    """What one side said first, and what it said last."""
    said = saying([turn.text for turn in subject.turns if turn.role == role], most)
    return [_plain(role, text) for text in (said if len(said) <= most else [*said[: most - 1], said[-1]])]


def sentences(text: str) -> list[str]:
    """The sentences of a text, a line being one at least. A dot inside a number or a name ends none."""
    found = (" ".join(sentence.split()) for sentence in _SENTENCE.findall(text))
    return [sentence for sentence in found if _SAYS_SOMETHING.search(sentence)]


def _plain(role: str, text: str) -> str:
    text = shorten(text, _LONGEST_READ)
    for sign, pattern in (("```", _CODE), ("<details>", _ASIDE), ("|", _TABLE)):
        if sign in text:
            text = pattern.sub("\n", text)
    if "\n" in text:
        text = _INDENTED.sub(r"\g<before>\n", text)
    if role == "assistant" and "#" in text:  # a person may say all there is in one
        text = _HEADING.sub("", text)
    if "\n" in text:
        text = _WRAPPED.sub(lambda line: f"{line[1]} " if line[2].islower() else line[0], text)
    return _MARKUP.sub(r"\1", text) if _MARKED.search(text) else text


def _title(asked: Sequence[str], answered: Sequence[str]) -> str | None:
    """The first thing that was said, as far as a title goes."""
    for text in (*asked[:2], *answered[:1]):
        for sentence in sentences(text):
            told = _PLEASANTRY.sub("", sentence).strip(" \"'“”«»-–—:;,")
            if _SAYS_SOMETHING.search(told):
                return _cut(told, LONGEST_TITLE).rstrip(".。,;: ")
    return None


def _summary(asked: Sequence[str], answered: Sequence[str], terms: Mapping[str, float]) -> str:
    """What was asked, the answer's most telling sentence, and where it ended."""
    first = _most_telling(asked[:1], terms) or _most_telling(asked, terms)
    answer = _most_telling(answered, terms)
    ending = _most_telling(asked[-1:], terms) if len(asked) > 1 else None
    if ending is None and len(answered) > 1:
        ending = _most_telling(answered[-1:], terms)
    parts = [_ended(_cut(part, LONGEST_SENTENCE)) for part in (first, answer, ending) if part]
    return " ".join(dict.fromkeys(parts))


def _most_telling(texts: Iterable[str], terms: Mapping[str, float]) -> str | None:
    """The sentence that says most about the subject for its length; earlier ones are preferred."""
    found: tuple[float, str] | None = None
    place = 0
    for text in texts:
        for sentence in sentences(text):
            told = _PLEASANTRY.sub("", sentence).strip()
            if len(told) < 2:
                continue
            place += 1
            worth = sum(terms.get(word, 0.0) for word in set(words_of(told)))
            worth = (1 + worth) / math.sqrt(8 + min(len(told), LONGEST_SENTENCE) / 6) / (1 + 0.12 * place)
            if found is None or worth > found[0]:
                found = (worth, told)
    return found[1] if found else None


def _terms(title: Sequence[str], asked: Sequence[Sequence[str]], answered: Sequence[str]) -> dict[str, float]:
    """Words that stand out, with how much: often here, rare among the examples, best if the person says them."""
    weights: defaultdict[str, float] = defaultdict(float)
    for words, weight in ((title, 3.0), *((words, 2.0) for words in asked)):
        for word in words:
            weights[word] += weight
    for text in answered:
        for word in words_of(text[: _LONGEST_READ // 2]):
            weights[word] += 0.7
    rarity, rarest = _rarity()
    return {word: (1 + math.log(weight)) * rarity.get(word, rarest) for word, weight in weights.items() if weight > 1}


def words_of(text: str) -> list[str]:
    """What may say something of the subject, in order."""
    text = folded(text)
    if text.isascii() or not IDEOGRAMS.search(text):
        words = _LONG_TERM.findall(text)
    else:
        words = [word for term in _TERM.findall(text) for word in _words_in(term)]
    return list(filterfalse(_said_anywhere().__contains__, words))


@lru_cache(maxsize=1)
def _said_anywhere() -> frozenset[str]:
    return small_words() | _COMMON_WORDS


def _words_in(term: str) -> Sequence[str]:
    """The words that a run of letters stands for, those left out that are too short to say anything."""
    if term.isascii() or not IDEOGRAMS.search(term):
        return (term,) if len(term) > 2 else ()
    return [word for word in _signs(term) if len(word) > 2 - bool(IDEOGRAMS.match(word))]


def _signs(term: str) -> list[str]:
    """Japanese and Chinese have no spaces: names in kanji or katakana, and the lexicon's words."""
    if _HANGUL.search(term):
        return [_PARTICLES.sub("", term) if len(term) > 2 else term]
    known = [sign for sign, _ in lexicon().of_signs(term) if len(sign) > 1]
    return known or [run for run in _KANJI_OR_KATAKANA.findall(term) if len(run) <= 4]


def _allowed(policy: TagsPolicy, terms: Mapping[str, float], texts: Sequence[str]) -> list[str]:
    """Of the tags that a taxonomy allows, those that are said."""
    here = f" {' '.join(_TERM.findall(folded(' '.join(texts))))} "
    named = [tag for tag in policy.allowed if f" {folded(tag)} " in here or folded(tag) in terms]
    return named[: policy.most]


@lru_cache(maxsize=1)
def _rarity() -> tuple[dict[str, float], float]:
    """How rare each word is among the shipped examples, and how rare one is that they do not have."""
    seen: Counter[str] = Counter()
    for example in examples():
        seen.update({word for turn in example.subject.turns for word in words_of(turn.text)})
    total = len(examples())
    return {word: math.log(total / (1 + count)) for word, count in seen.items()}, math.log(total / 2)


def _cut(text: str, limit: int) -> str:
    """No longer than `limit`, ended at a word."""
    if len(text) <= limit:
        return text
    space = text.rfind(" ", limit // 2, limit - 1)
    return text[: space if space > 0 else limit - 1].rstrip(" ,;:") + "…"


def _ended(sentence: str) -> str:
    """With a full stop, also what announced a list that is left out."""
    sentence = sentence.rstrip(" :;,：；、，") or sentence
    if sentence[-1] in ".!?。！？…":
        return sentence
    return sentence + ("。" if IDEOGRAMS.match(sentence[-1]) and not _HANGUL.match(sentence[-1]) else ".")
