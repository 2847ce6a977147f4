let names = [ "guides" ]
