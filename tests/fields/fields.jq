# Compacts the OpenAPI documents of an API server (`jq -rs`) to lines of columns:
#
#   kind         GROUP VERSION KIND TYPE Namespaced|Cluster
#   subresource  GROUP VERSION KIND NAME verb,...      of the kind to whose path it is added; verbs are the API server's
#   type         TYPE FIELD TYPE-OF-THE-FIELD          `[]T` is a list of T, `{}T` a map to T
#
# Each type is there once, however many kinds have it, so that it may contain itself. `apps.v1.DeploymentSpec` is the
# type `io.k8s.api.apps.v1.DeploymentSpec`. Left out is what no stored object has: options, reviews and lists.

def short:
  sub("^io\\.k8s\\.(api|apimachinery\\.pkg\\.apis|apimachinery\\.pkg|kube-aggregator\\.pkg\\.apis|apiextensions-apiserver\\.pkg\\.apis)\\."; "");

def target: ltrimstr("#/components/schemas/");

# The names of the types in a schema, and the schema in short.
def shown:
  if .["$ref"] | type == "string" then .["$ref"] | target | short
  elif has("allOf") then .allOf[0] | shown
  elif .type == "array" then "[]" + (.items | shown)
  elif has("additionalProperties") and (.additionalProperties | type) == "object" then "{}" + (.additionalProperties | shown)
  elif has("oneOf") then [.oneOf[].type] | join("|")
  else .type // "any"
  end;

def refs: [.. | objects | select(.["$ref"] | type == "string") | .["$ref"] | target] | unique;

(map(.components.schemas // {}) | add) as $schemas
| [.[] | .paths // {} | to_entries[] | select(.key | contains("/watch/") | not) | . as $path
    | .value | to_entries[] | select(.value | type == "object" and has("x-kubernetes-group-version-kind"))
    | {path: $path.key, verb: .value["x-kubernetes-action"], of: .value["x-kubernetes-group-version-kind"]}] as $operations
# A resource that can be written: `.../pods` with POST, or `.../namespaces/{name}` with PUT.
| [$operations[] | select((.verb == "post" and (.path | endswith("}") | not)) or .verb == "put")
    | select(.path | test("/\\{name\\}/") | not)
    | {path: (.path | sub("/\\{name\\}$"; "")), of}] | unique as $resources
| ($resources | map({key: .path, value: .of}) | from_entries) as $kind_of
| ($schemas | to_entries | map(. as $schema | .value["x-kubernetes-group-version-kind"] // [] | .[]
    | {key: "\(.group)/\(.version)/\(.kind)", value: $schema.key}) | from_entries) as $type_of
| [$resources[] | .of | $type_of["\(.group)/\(.version)/\(.kind)"] // empty] | unique as $roots
| {seen: [], next: $roots}
| until(.next == [];
    (.seen + .next) as $seen
    | {seen: $seen, next: ([.next[] | $schemas[.] | .properties // {} | refs[]] | unique - $seen)})
| .seen as $types
| ($resources[] | .of as $of | $type_of["\($of.group)/\($of.version)/\($of.kind)"] | select(. != null)
    | ["kind", $of.group, $of.version, $of.kind, short,
       (if ($of.kind != "Namespace") and any($resources[]; .of == $of and (.path | contains("{namespace}"))) then "Namespaced" else "Cluster" end)]),
  ([$operations[] | select(.path | test("/\\{name\\}/"))
     | (.path | capture("^(?<resource>.*)/\\{name\\}/(?<name>[^/]+)$")) as $parts
     | select($kind_of[$parts.resource]) | {of: $kind_of[$parts.resource], name: $parts.name, verb}]
   | group_by([.of, .name])[]
   | ["subresource", .[0].of.group, .[0].of.version, .[0].of.kind, .[0].name, (map(.verb) | unique | join(","))]),
  ($types[] | . as $type | $schemas[$type].properties // {} | to_entries[]
    | ["type", ($type | short), .key, (.value | shown)])
| @tsv
