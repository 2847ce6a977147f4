# Numbers the opcodes of SQLite's virtual machine: what tool/mkopcodeh.tcl and tool/mkopcodec.tcl do, without Tcl.
#
# in:  parse.h, then vdbe.c
# out: opcodes.h on standard output, opcodes.c in the file that the variable `names` names

/^#define TK_/ { token[$2] = $3; next }

/^.. Opcode: / { current = "OP_" $3 }

/^.. Synopsis: / && current != "" {
  text = $0
  sub(/^.. Synopsis: /, "", text)
  gsub(/^[ \t]+|[ \t\r]+$/, "", text)
  synopsis[current] = text
}

/^case OP_/ {
  name = $2
  sub(/:$/, "", name)
  if (name == "OP_Abortable") next     # goes last
  opcode(name)
  for (i = 4; i < NF; i++) {
    word = $i
    sub(/,$/, "", word)
    if (word == "same" && $(i + 1) == "as") {
      i += 2
      word = $i
      sub(/,$/, "", word)
      if (!(word in token)) fail("no token " word)
      give(name, token[word])
      same[token[word]] = word
    } else {
      has[name, word] = 1
      if (word == "jump0") has[name, "jump"] = 1
    }
  }
  if (has[name, "group"]) {
    if (groups == 0 || !has[previous, "group"]) groups++
    members[groups] = members[groups] " " name
  }
  previous = name
}

END {
  opcode("OP_Noop"); opcode("OP_Explain"); opcode("OP_Abortable")
  last = -1
  # Small numbers for those that resolveP2Values() treats specially, then for jumps: that makes good switches.
  split("Transaction AutoCommit Savepoint Checkpoint Vacuum JournalMode VUpdate VFilter Init", list, " ")
  for (i in list) special["OP_" list[i]] = 1
  for (i = 0; i < count; i++) if (order[i] in special) give(order[i], last = free(last + 1))
  for (i = 0; i < count; i++) {
    if (!(order[i] in number) && has[order[i], "jump"]) give(order[i], last = free(last + 1))
  }
  highest_jump = -1
  for (i = 0; i < count; i++) {
    name = order[i]
    if (has[name, "jump"] && number[name] > highest_jump) highest_jump = number[name]
  }
  for (g = 1; g <= groups; g++) place_group(g)
  for (i = 0; i < count; i++) if (!(order[i] in number)) give(order[i], last = free(last + 1))
  if (highest > 255) fail("more than 255 opcodes")
  write_numbers()
  write_properties()
  write_names()
}

function fail(why) { print "opcodes: " why > "/dev/stderr"; failed = 1; exit 1 }

function opcode(name) { order[count++] = name }

function give(name, value) {
  value += 0
  number[name] = value
  named[value] = name
  if (value > highest) highest = value
}

function free(from) { while (from in named) from++; return from }

# Members of a group get numbers in a row. The row that is looked for is one longer than the group, as upstream's is.
function place_group(g,   list, size, start, i) {
  size = split(members[g], list, " ")
  start = last
  do {
    start = free(start + 1)
    for (i = 1; i <= size && !((start + i) in named); i++);
    if (i <= size) start += i
  } while (i <= size)
  for (i = 1; i <= size; i++) if (!(list[i] in number)) give(list[i], start++)
}

function write_numbers(   i, name, comment) {
  print "/* Automatically generated.  Do not edit */"
  print "/* See the tool/mkopcodeh.tcl script for details */"
  for (i = 0; i <= highest; i++) {
    if (!(i in named)) named[i] = "OP_NotUsed_" i
    name = named[i]
    comment = has[name, "jump0"] ? "jump0" : has[name, "jump"] ? "jump" : ""
    if (i in same) comment = comment (comment == "" ? "" : ", ") "same as " same[i]
    if (name in synopsis) comment = comment (comment == "" ? "" : ", ") "synopsis: " synopsis[name]
    printf "#define %-16s %3d", name, i
    if (comment != "") printf " /* %-42s */", comment
    print ""
  }
}

function write_properties(   i, j, bits, names) {
  split("jump in1 in2 in3 out2 out3 ncycle jump0", names, " ")
  print "#define OPFLG_JUMP        0x01  /* jump:  P2 holds jmp target */"
  print "#define OPFLG_IN1         0x02  /* in1:   P1 is an input */"
  print "#define OPFLG_IN2         0x04  /* in2:   P2 is an input */"
  print "#define OPFLG_IN3         0x08  /* in3:   P3 is an input */"
  print "#define OPFLG_OUT2        0x10  /* out2:  P2 is an output */"
  print "#define OPFLG_OUT3        0x20  /* out3:  P3 is an output */"
  print "#define OPFLG_NCYCLE      0x40  /* ncycle:Cycles count against P1 */"
  print "#define OPFLG_JUMP0       0x80  /* jump0:  P2 might be zero */"
  print "#define OPFLG_INITIALIZER {\\"
  for (i = 0; i <= highest; i++) {
    bits = 0
    for (j = 1; j <= 8; j++) if (has[named[i], names[j]]) bits += 2 ^ (j - 1)
    if (i % 8 == 0) printf "/* %3d */", i
    printf " 0x%02x,", bits
    if (i % 8 == 7) print "\\"
  }
  print "}"
  print "#define SQLITE_MX_JUMP_OPCODE  " highest_jump "  /* Maximum JUMP opcode */"
}

function write_names(   i, label) {
  print "/* Automatically generated.  Do not edit */" > names
  print "#if defined(SQLITE_ENABLE_EXPLAIN_COMMENTS) || defined(SQLITE_DEBUG)" > names
  print "# define OpHelp(X) \"\\0\" X" > names
  print "#else" > names
  print "# define OpHelp(X)" > names
  print "#endif" > names
  print "const char *sqlite3OpcodeName(int i){" > names
  print " static const char *const azName[] = {" > names
  for (i = 0; i <= highest; i++) {
    label = named[i]
    sub(/^OP_/, "", label)
    printf "    /* %3d */ %-18s OpHelp(\"%s\"),\n", i, "\"" label "\"", synopsis[named[i]] > names
  }
  print "  };\n  return azName[i];\n}" > names
}
