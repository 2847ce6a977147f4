external heavier : int -> int = "camel_heavier"

let () = Printf.printf "%d\n" (heavier (Token.sum 0 (Lexing.from_string "salt 120, dates 80")))
