rule sum acc = parse
  | ['0'-'9']+ as number { sum (acc + int_of_string number) lexbuf }
  | _ { sum acc lexbuf }
  | eof { acc }
