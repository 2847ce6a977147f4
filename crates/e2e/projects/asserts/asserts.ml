external cpu : unit -> string = "cpu"

let%test "inline tests are programs of the target" = cpu () = "aarch64"
