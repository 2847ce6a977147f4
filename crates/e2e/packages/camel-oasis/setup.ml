(* Stands for what oasis generates: a script of the build machine's `ocaml` that asks ocamlfind for the configuration of the
   compiler it is to use, keeps it in `setup.data`, and compiles through ocamlfind. (What oasis itself generates is code of
   others, and does not compile with OCaml 5.) *)

let run line = if Sys.command line <> 0 then (prerr_endline ("failed: " ^ line); exit 1)

let lines file =
  let channel = open_in file in
  let rec read all = match input_line channel with line -> read (line :: all) | exception End_of_file -> all in
  let all = List.rev (read []) in
  close_in channel;
  all

let value separator key line =
  match String.index_opt line separator with
  | Some at when String.sub line 0 at = key -> Some (String.trim (String.sub line (at + 1) (String.length line - at - 1)))
  | _ -> None

let find file separator key =
  match List.find_map (value separator key) (lines file) with Some found -> found | None -> failwith (file ^ " lacks " ^ key)

let configure prefix =
  run "ocamlfind ocamlc -config > config.txt";
  let data = open_out "setup.data" in
  let known = [ "architecture"; "system"; "ext_obj"; "word_size" ] in
  List.iter (fun key -> Printf.fprintf data "%s=%s\n" key (find "config.txt" ':' key)) known;
  Printf.fprintf data "prefix=%s\n" prefix;
  close_out data

let build () =
  let known = open_out "known.ml" in
  List.iter (fun key -> Printf.fprintf known "let %s = %S\n" key (find "setup.data" '=' key)) [ "architecture"; "word_size" ];
  close_out known;
  run "ocamlfind ocamlopt -package unix -linkpkg known.ml main.ml -o main.native"

let install () = run (Filename.quote_command "cp" [ "main.native"; find "setup.data" '=' "prefix" ^ "/bin/camel-oasis" ])

let () =
  match Array.to_list Sys.argv with
  | [ _; "-configure"; "--prefix"; prefix ] -> configure prefix
  | [ _; "-build" ] -> build ()
  | [ _; "-install" ] -> install ()
  | _ -> prerr_endline "setup.ml: -configure --prefix P, -build or -install"; exit 2
