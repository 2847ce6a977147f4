(* Printed by what the build put together: variables of packages, the environment, patches, further sources. *)

let () =
  print_endline Config.name;
  Printf.printf "humps: %d, oases: %s\n" Config.humps Config.oases;
  print_endline "not patched";
  print_endline Arch.name;
  print_endline Config.giver;
  print_endline Config.patient;
  print_endline Config.percent;
  assert (Filename.basename Config.own_share = "camel-opam");
  assert (Filename.basename Config.home_of_giver = "camel-giver");
  print_string Given.text;
  print_string Data.text
