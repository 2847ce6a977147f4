let () =
  let db = Sqlite3.db_open ":memory:" in
  let run sql =
    match Sqlite3.exec db sql ~cb:(fun row _ -> print_endline (String.concat "|" (List.map (Option.value ~default:"NULL") (Array.to_list row)))) with
    | Sqlite3.Rc.OK -> ()
    | code -> failwith (Sqlite3.Rc.to_string code ^ ": " ^ Sqlite3.errmsg db)
  in
  run "CREATE TABLE camel (name TEXT, humps INTEGER)";
  run "INSERT INTO camel VALUES ('bactrian', 2), ('dromedary', 1), ('none', NULL)";
  Sqlite3.create_fun1 db "reversed" (function
    | Sqlite3.Data.TEXT text -> Sqlite3.Data.TEXT (String.init (String.length text) (fun i -> text.[String.length text - 1 - i]))
    | other -> other);
  run "SELECT reversed(name), humps, sqrt(humps * 8.0) FROM camel ORDER BY name";
  run "SELECT sum(humps), json_group_array(name) FROM camel"
