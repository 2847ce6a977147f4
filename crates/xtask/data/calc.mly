/* A small calculator: enough grammar for menhir to do real work on. */
%token <int> INT
%token <string> NAME
%token PLUS MINUS TIMES DIV LPAREN RPAREN LET EQUAL IN COMMA EOF
%left PLUS MINUS
%left TIMES DIV
%nonassoc UMINUS
%start <(string * int) list * int> main
%%

main:
| bindings = list(binding) e = expr EOF { bindings, e }

binding:
| LET name = NAME EQUAL e = expr IN { name, e }

expr:
| i = INT { i }
| LPAREN e = expr RPAREN { e }
| f = NAME LPAREN args = separated_nonempty_list(COMMA, expr) RPAREN { List.fold_left ( + ) (String.length f) args }
| a = expr PLUS b = expr { a + b }
| a = expr MINUS b = expr { a - b }
| a = expr TIMES b = expr { a * b }
| a = expr DIV b = expr { a / b }
| MINUS e = expr %prec UMINUS { - e }
