let () = Printf.printf "cpu %d, least char %d, abs %d\n" C.Types.cpu C.Types.char_min (C.Functions.abs (-3))
