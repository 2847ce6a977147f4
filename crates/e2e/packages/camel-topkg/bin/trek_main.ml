let () =
  let distances = Str.split (Str.regexp "[, ]+") "120, 45,300" in
  List.iter (fun km -> Printf.printf "%s km: %d days\n" km (Trek.days ~km:(int_of_string km) ~per_day:40)) distances
