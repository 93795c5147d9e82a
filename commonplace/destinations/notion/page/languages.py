"""Which of Notion's code languages a chat's is."""

from __future__ import annotations

PLAIN = "plain text"
NOTIONS = frozenset(
    """abap|abc|agda|arduino|ascii art|assembly|bash|basic|bnf|c|c#|c++|clojure|coffeescript|coq|css|dart|dhall|diff
    |docker|ebnf|elixir|elm|erlang|f#|flow|fortran|gherkin|glsl|go|graphql|groovy|haskell|hcl|html|idris|java
    |javascript|json|julia|kotlin|latex|less|lisp|livescript|llvm ir|lua|makefile|markdown|markup|matlab|mathematica
    |mermaid|nix|notion formula|objective-c|ocaml|pascal|perl|php|plain text|powershell|prolog|protobuf|purescript
    |python|r|racket|reason|ruby|rust|sass|scala|scheme|scss|shell|smalltalk|solidity|sql|swift|toml|typescript
    |vb.net|verilog|vhdl|visual basic|webassembly|xml|yaml""".replace("\n    ", "").split("|")
)
_OTHER_NAMES = {
    "asm": "assembly", "nasm": "assembly", "sh": "shell", "zsh": "shell", "console": "shell", "fish": "shell",
    "terminal": "shell", "shell-session": "shell", "bat": "powershell", "cmd": "powershell", "ps1": "powershell",
    "pwsh": "powershell", "cs": "c#", "csharp": "c#", "cpp": "c++", "cc": "c++", "cxx": "c++", "hpp": "c++", "h": "c",
    "fsharp": "f#", "fs": "f#", "clj": "clojure", "coffee": "coffeescript", "dockerfile": "docker", "ex": "elixir",
    "exs": "elixir", "erl": "erlang", "golang": "go", "gql": "graphql", "hs": "haskell", "terraform": "hcl",
    "tf": "hcl", "js": "javascript", "jsx": "javascript", "mjs": "javascript", "node": "javascript",
    "json5": "json", "jsonc": "json", "jsonl": "json", "jl": "julia", "kt": "kotlin", "kts": "kotlin",
    "tex": "latex", "make": "makefile", "md": "markdown", "mdx": "markdown", "objc": "objective-c", "ml": "ocaml",
    "pl": "perl", "proto": "protobuf", "py": "python", "python3": "python", "ipython": "python", "py3": "python",
    "rb": "ruby", "rs": "rust", "sol": "solidity", "postgresql": "sql", "mysql": "sql", "sqlite": "sql",
    "tsql": "sql", "plsql": "sql", "ts": "typescript", "tsx": "typescript", "vb": "visual basic", "vbnet": "vb.net",
    "vba": "visual basic", "wasm": "webassembly", "svg": "xml", "xhtml": "html", "vue": "html", "svelte": "html",
    "htm": "html", "yml": "yaml", "patch": "diff", "ini": "toml", "wolfram": "mathematica", "octave": "matlab",
    "sv": "verilog", "systemverilog": "verilog",
}  # fmt: skip


def notion_language(info: str) -> str:
    """The language of a fence's first word; plain text when Notion has none for it."""
    word = info.strip().split(None, 1)[0].lower().strip("{}.") if info.strip() else ""
    name = _OTHER_NAMES.get(word, word)
    return name if name in NOTIONS else PLAIN
