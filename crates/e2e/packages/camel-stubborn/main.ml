let () = print_endline ("persuaded " ^ Reason.text)
