{ let count = ref 0 }
rule words = parse
  | ['a'-'z' 'A'-'Z']+ { incr count; words lexbuf }
  | _ { words lexbuf }
  | eof { !count }
