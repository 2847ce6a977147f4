external cpu : unit -> string = "cpu"
let () = Printf.printf "let text = %S\n" (cpu ())
