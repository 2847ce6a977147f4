# What a package has made besides files. $1: its .install file, $2: its .config file, $3: where the latter's variables go.
set -eu
# A package need not have an .install file: without one nothing is installed that way.
[ -e "$1" ] || : > "$1"
if [ ! -e "$2" ]; then exit; fi
mkdir -p "$3"
# Each variable of `variables { name: "text" other: true more: ["a" "b"] }` becomes a file with what it is inside a text.
awk -v directory="$3" '
  { text = text $0 "\n" }
  function fail(why) { print FILENAME ": " why > "/dev/stderr"; failed = 1; exit 1 }
  # The next token is in `token`, its kind in `kind`: a name, a string, a sign, or nothing at the end.
  function next_token(   c, i) {
    while (match(text, /^([ \t\r\n]+|#[^\n]*)/)) text = substr(text, RLENGTH + 1)
    if (text == "") { kind = token = ""; return }
    if (match(text, /^[A-Za-z0-9_+-]+/)) { kind = "name"; token = substr(text, 1, RLENGTH); text = substr(text, RLENGTH + 1); return }
    c = substr(text, 1, 1)
    if (c != "\"") { kind = token = c; text = substr(text, 2); return }
    kind = "string"; token = ""
    for (i = 2; (c = substr(text, i, 1)) != "\""; i++) {
      if (c == "") fail("a text without an end")
      if (c == "\\") { c = substr(text, ++i, 1); if (c == "n") c = "\n"; else if (c == "t") c = "\t" }
      token = token c
    }
    text = substr(text, i + 1)
  }
  # The value that begins with the current token.
  function value(   all) {
    if (kind == "string" || kind == "name") return token
    if (kind != "[") fail("a variable is a text, a truth value or a list of texts, and no " token)
    all = ""
    for (next_token(); kind != "]"; next_token()) {
      if (kind != "string") fail("a list has texts in it, and no " token)
      all = all (all == "" ? "" : " ") token
    }
    return all
  }
  END {
    if (failed) exit 1
    for (next_token(); kind != ""; next_token()) {
      if (kind != "name") fail("a field has a name, and " token " is none")
      field = token
      next_token()
      if (kind == ":") { next_token(); value(); continue }
      if (kind != "{" || field != "variables") fail("`:` is missing behind " field)
      for (next_token(); kind != "}"; next_token()) {
        if (kind != "name") fail("a variable has a name, and " token " is none")
        name = token
        next_token()
        if (kind != ":") fail("`:` is missing behind " name)
        next_token()
        printf "%s", value() > (directory "/" name)
      }
    }
  }' "$2"
