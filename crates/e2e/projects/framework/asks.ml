external answer : unit -> int = "asks_answer"

let () = Printf.printf "the framework says %d\n" (answer ())
