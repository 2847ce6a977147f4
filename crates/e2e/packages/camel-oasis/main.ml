let () =
  let day = Unix.gmtime 86400. in
  Printf.printf "%s, %s bits, day %d\n" Known.architecture Known.word_size day.Unix.tm_mday
