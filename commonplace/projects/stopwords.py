"""Words that say nothing about a subject, in the languages that conversations are held in most.

Only what is frequent everywhere: rarer words lose their weight by being counted (similarity.py).
"""

from __future__ import annotations

_BY_LANGUAGE = {
    "en": """a about after all
        also am an and any are as at be because been before but by can could did do does done each
        even first for from get give go good had has have he help her here hers him his how i if in into is it its just
        know let like make many may me more most much must my need new no not now of on one only or other our out over
        please same she should show so some such tell than that the their them then there these they this those through
        to too two up us use using very want was way we well were what when where which while who why will with without
        would write yes yet you your""",
    "de": """aber als am an auch auf aus bei bin bis bitte da damit dann das dass dem den der des die dies diese diesem
        diesen dieser dieses doch du durch ein eine einem einen einer eines er es für gibt haben habe hat hier ich ihm
        ihr im in ist ja kann kannst kein keine können man mehr mein meine mich mir mit muss nach nicht noch nur oder ob
        schon sehr sein sich sie sind so soll über um und uns unser unter vom von vor war warum was wenn werden wie wir
        wird wo wurde zu zum zur""",
    "fr": """au aussi aux avec avoir bien ce ces cette comme comment dans de des donc du elle en entre est et être faire
        fait il ils je la le les leur lui ma mais me mes moi mon ne nos notre nous on ont ou où par pas peut plus pour
        pourquoi qu que quel quelle qui sa sans se ses si son sont sur ta te tes ton tout tous très tu un une vos votre
        vous""",
    "es": """al algo como con cuando de del desde donde el ella ellos en entre era es esa ese eso esta este esto están
        fue ha hacer hasta hay la las le les lo los más me mi mis muy nada ni no nos o para pero por porque puede puedo
        que qué quien se ser si sin sobre son su sus también te tengo tiene todo tu un una uno y ya yo""",
    "it": """ai al alla alle anche che chi ci come con cosa da dal dalla degli dei del della delle di dove e è ed era
        essere fare gli ha hanno ho i il in io la le lei lo loro lui ma mi mia mio molto ne nei nel nella non o per
        perché più può quale quando questa questo se sei si sono su sua suo tra tu un una uno""",
    "pt": """ao aos as até com como da das de dela dele do dos e é ela ele em entre era essa esse esta este eu fazer foi
        há isso já mais mas me meu minha muito na não nas no nos o os ou para pela pelo por porque qual quando que quem
        se sem ser seu sua são só também te tem um uma você""",
    "nl": """aan al als bij dan dat de der deze die dit doen door dus een en er geen had heb hebben heeft het hij hoe ik
        in is je kan maar me meer met mijn moet na naar niet nog nu of om onder ook op over te tot uit van veel voor
        waar was wat we wel wij worden wordt zal ze zich zijn zo""",
    "pl": """a ale bez być było co czy dla do go i ich ile jak jaki jako je jego jej jest już kiedy która które który
        lub ma mam mi mnie może na nad nie niż o od oraz po pod przez przy się są ta tak także tam te tego tej ten to
        tu tylko tym w we więc z za że""",
    "ru": """а без бы был была были было быть в вам вас во вот все вы где да для до его ее если есть еще же за и из или
        им их к как когда который ли мне много может мой мы на не нет ни но о об он она они от по почему при с сам свой
        со так также там то только ты у уже что чтобы эта эти это я""",
    "tr": """ama bana ben bir bu biz çok da daha de değil diye en gibi hem her için ile ise kadar ki mı mi mu mü nasıl
        ne neden o olan olarak olduğu sen siz şu ve veya ya""",
    "sv": """alla att av de den det du där eller en ett för från han har hon hur i inte jag kan man med men mig min
        mycket när och om på sig sin ska som så till under upp ut vad var vi vill är över""",
    "id": """ada adalah akan aku anda apa atau bagaimana bisa dalam dan dari dengan di ini itu juga kamu karena ke
        lebih oleh pada saya sebagai seperti tidak untuk yang""",
    "ar": """أن أو إلى إن التي الذي على عن في كان كل كيف لا لم ما مع من هذا هذه هل هو هي و يا""",
    "hi": """एक और इस उस कर करने का कि की के को क्या में मैं है हैं हो यह या से ने पर भी तो था""",
}

STOP_WORDS = frozenset(word for words in _BY_LANGUAGE.values() for word in words.split())
