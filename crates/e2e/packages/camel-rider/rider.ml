let () =
  Printf.printf "%d humps carry %d pounds for %d days\n"
    (Humps.total [| 2; 1 |])
    (Load.pounds 100)
    (Trek.days ~km:90 ~per_day:40)
