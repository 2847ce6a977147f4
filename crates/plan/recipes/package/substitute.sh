# Makes files out of what is called the same with `.in` at the end, with variables in place of `%{name}%`.
#
# $VARIABLES: lines of `owner:name`, a tab and the value. $PREFIXES: where packages that are not in there have their own.
# `%{a+b:name}%` is whether it is true of both, `%{name?yes:no}%` chooses; what is unknown is the empty text, as for opam.
set -eu
: "${VARIABLES:?}" "${PREFIXES:?}"
for file in "$@"; do
  if [ ! -e "$file.in" ]; then echo "$file is to be made of $file.in, which is not there" >&2; exit 1; fi
  awk '
    BEGIN {
      while ((getline line < ENVIRON["VARIABLES"]) > 0) {
        tab = index(line, "\t")
        known[substr(line, 1, tab - 1)] = substr(line, tab + 1)
      }
      prefixes = split(ENVIRON["PREFIXES"], prefix, ":")
    }
    function variable(owner, name,   i, file, line, all, got) {
      if ((owner ":" name) in known) return known[owner ":" name]
      if (owner == "" || name == "") return ""
      if (name == "installed") return "false"
      for (i = 1; i <= prefixes; i++) {
        file = prefix[i] "/.bactrian/" owner ".config/" name
        all = ""
        while ((got = (getline line < file)) > 0) all = all (all == "" ? "" : "\n") line
        close(file)
        if (got == 0) return all
      }
      return ""
    }
    function reference(text,   at, owners, name, count, owner, i, value, choice, yes, no) {
      at = index(text, "?")
      if (choice = at > 0) {
        yes = substr(text, at + 1)
        text = substr(text, 1, at - 1)
        at = index(yes, ":")
        no = substr(yes, at + 1)
        yes = substr(yes, 1, at - 1)
      }
      at = index(text, ":")
      name = substr(text, at + 1)
      if (at && name == "enable" && !choice) { choice = 1; name = "installed"; yes = "enable"; no = "disable" }
      count = at ? split(substr(text, 1, at - 1), owner, "+") : 0
      if (count < 2) value = variable(count ? owner[1] : "", name)
      else {
        value = "true"
        for (i = 1; i <= count && value == "true"; i++) value = variable(owner[i], name)
      }
      return choice ? (value == "true" ? yes : no) : value
    }
    {
      line = $0
      out = ""
      while (at = index(line, "%")) {
        out = out substr(line, 1, at - 1)
        line = substr(line, at)
        end = index(line, "}%")
        if (substr(line, 1, 2) == "%%") { out = out "%"; line = substr(line, 3) }
        else if (substr(line, 1, 2) == "%{" && end) {
          out = out reference(substr(line, 3, end - 3))
          line = substr(line, end + 2)
        } else { out = out "%"; line = substr(line, 2) }
      }
      print out line
    }' "$file.in" > "$file"
  touch -r "$file.in" "$file"
done
