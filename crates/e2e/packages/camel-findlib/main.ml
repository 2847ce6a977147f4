let () =
  let humps = List.map int_of_string (Str.split (Str.regexp ",") "2,1,2,2") in
  Printf.printf "%d humps\n" (Humps.total (Array.of_list humps))
