# Any program that reads JSON and writes JSON is a handler; this one is a shell script.
read -r payload
case $payload in
*Weimar*) echo '{"tool": "weather", "ok": true, "answer": "In Weimar it is 21 degrees and sunny."}' ;;
*)
  echo '{"Error": "Weather.UnknownCity", "Cause": "no station reports from there"}' >&2
  exit 1
  ;;
esac
