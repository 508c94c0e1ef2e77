# Lists the documents of a folder. A real one would ask a bucket or a web site.
source=$(sed 's/.*"source":"\([^"]*\)".*/\1/')
separator='['
for path in "$source"/*.txt; do
  printf '%s{"id":"%s","path":"%s"}' "$separator" "$(basename "$path" .txt)" "$path"
  separator=','
done
echo ']'
