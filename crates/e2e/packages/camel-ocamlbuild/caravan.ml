let () =
  let text = Str.global_replace (Str.regexp "camel") "dromedary" "one camel and another camel" in
  Printf.printf "%s: %d words\n" text (Word.words (Lexing.from_string text))
