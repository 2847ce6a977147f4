(* Runs on the build machine while the package is built for another one. *)
let () =
  let file = open_in Sys.argv.(1) in
  let rec rows () =
    match input_line file with
    | line -> Scanf.sscanf line "%s %d" (fun name days -> Printf.printf "  %S, %d;\n" name days); rows ()
    | exception End_of_file -> close_in file
  in
  print_endline "let all = [";
  rows ();
  print_endline "]"
