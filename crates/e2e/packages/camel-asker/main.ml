let () = print_endline ("built on " ^ Answer.text)
