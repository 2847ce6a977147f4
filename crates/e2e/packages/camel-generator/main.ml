let () =
  List.iter (fun (name, days) -> Printf.printf "%s in %d days\n" name days) Days.all;
  Printf.printf "%d days in all\n" (List.fold_left (fun sum (_, days) -> sum + days) 0 Days.all)
