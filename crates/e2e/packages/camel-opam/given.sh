#!/bin/sh
# What is only known while the package is built: its arguments and its environment.
{
  printf 'let text = {given|'
  printf 'arguments: %s; %s; %s\n' "$@"
  printf 'greeting: %s\n' "$CAMEL_GREETING"
  printf 'loads: %s\n' "$CAMEL_LOADS"
  printf 'wells: %s\n' "$(cat "$CAMEL_HOME/water/wells.txt")"
  printf '|given}\n'
} > given.ml
