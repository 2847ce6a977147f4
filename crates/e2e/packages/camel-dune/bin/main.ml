let () = Printf.printf "%d pounds on %s\n" (Load.pounds 300) (Load.machine ())
