"""Counts the library's public items by module and finds dependencies' types in its signatures.

    python scripts/public_names.py [--list] [--package NAME]

Run it in the repository's root. It runs rustdoc with JSON output and all features, which needs a toolchain
that accepts RUSTC_BOOTSTRAP=1 (any rustup toolchain), and reads the items reachable from the crate's root.
Items under `#[doc(hidden)]`, including methods, are counted separately. `--list` lists every item. Only
Python is needed.

Exits with 1 if the root re-exports more than 60 names, or if a documented signature, field or trait
implementation names a type of a dependency below 1.0 other than ndarray, linfa and this workspace's crates.
"""

import argparse
import json
import os
import subprocess
import sys
from collections import Counter

ALLOWED = {"linfa", "ndarray", "linfa_logistic"}
MOST_AT_ROOT = 60
STANDARD = {"std", "core", "alloc"}
KINDS = ["module", "struct", "enum", "trait", "function", "constant", "type_alias"]


def cargo(*arguments):
    environment = dict(os.environ, RUSTC_BOOTSTRAP="1")
    return subprocess.run(["cargo", *arguments], env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


def described(package):
    """Returns Cargo's metadata of the workspace and rustdoc's JSON of one of its libraries."""
    metadata = json.loads(cargo("metadata", "--locked", "--format-version", "1"))
    cargo("rustdoc", "--quiet", "--locked", "--package", package, "--lib", "--all-features", "--",
          "-Z", "unstable-options", "--output-format", "json", "--document-hidden-items", "--cap-lints", "allow")
    path = os.path.join(metadata["target_directory"], "doc", package.replace("-", "_") + ".json")
    with open(path) as file:
        return metadata, json.load(file)


def inner(item):
    """Returns the kind of an item and rustdoc's data for that kind."""
    return next(iter(item["inner"].items()))


def is_hidden(item):
    return any("hidden" in json.dumps(attribute) for attribute in item["attrs"])


class Surface:
    """The reachable items, each under its shortest path."""

    def __init__(self, description):
        self.index = description["index"]
        self.paths = description["paths"]
        # By id: ((hidden, path length, path), kind); a documented path wins over a hidden one.
        self.items = {}
        # Re-exported names of other crates' items, by path.
        self.foreign = {}
        self.root_names = []
        root = self.index[str(description["root"])]
        self.module(root, [root["name"]], False)
        for child in root["inner"]["module"]["items"]:
            item = self.index[str(child)]
            if item["visibility"] == "public" and "use" in item["inner"] and not is_hidden(item):
                self.root_names.append(item["inner"]["use"]["name"])

    def module(self, item, path, hidden):
        for child in item["inner"]["module"]["items"]:
            self.visit(child, path, hidden)

    def visit(self, number, path, hidden):
        item = self.index.get(str(number))
        if item is None or item["visibility"] != "public":
            return
        hidden = hidden or is_hidden(item)
        kind, body = inner(item)
        if kind == "use":
            self.re_export(body, path, hidden)
        elif kind == "module" or item["name"]:
            self.add(number, item, path + [item["name"]], hidden)

    def re_export(self, body, path, hidden):
        target = self.index.get(str(body["id"]))
        if target is None or target["crate_id"] != 0:
            summary = self.paths.get(str(body["id"]))
            source = "::".join(summary["path"]) if summary else body["source"]
            self.foreign["::".join([*path, body["name"]])] = (source, hidden)
        elif body["is_glob"]:
            self.module(target, path, hidden)
        else:
            self.add(body["id"], target, path + [body["name"]], hidden)

    def add(self, number, item, path, hidden):
        kind = inner(item)[0]
        if kind not in KINDS:
            return
        known = self.items.get(number)
        key = (hidden, len(path), path)
        if known is not None and known[0] <= key:
            return
        self.items[number] = (key, kind)
        if kind == "module":
            self.module(item, path, hidden)

    def children(self, number):
        """Yields the fields, variants' fields, methods and trait implementations of an item."""
        kind, body = inner(self.index[str(number)])
        if kind == "struct":
            shape = body["kind"]
            fields = shape["plain"]["fields"] if "plain" in shape else shape.get("tuple", []) if shape != "unit" else []
            yield from (("field", field) for field in fields if field is not None)
        elif kind == "enum":
            for variant in body["variants"]:
                shape = self.index[str(variant)]["inner"]["variant"]["kind"]
                if shape != "plain":
                    fields = shape["struct"]["fields"] if "struct" in shape else shape["tuple"]
                    yield from (("field", field) for field in fields if field is not None)
        elif kind == "trait":
            yield from (("method", method) for method in body["items"])
        for number in body.get("impls", []) if kind in ("struct", "enum") else []:
            implementation = self.index[str(number)]["inner"]["impl"]
            if implementation["is_synthetic"] or implementation["blanket_impl"]:
                continue
            if implementation["trait"] is not None:
                yield "impl", number
                continue
            for method in implementation["items"]:
                if self.index[str(method)]["visibility"] == "public":
                    yield "method", method


def named(value):
    """Yields the ids and paths of all types and traits in a signature."""
    if isinstance(value, dict):
        if "path" in value and "id" in value and "args" in value:
            yield value["id"], value["path"]
        for key, part in value.items():
            if key not in ("items", "impls", "attrs", "docs", "links"):
                yield from named(part)
    elif isinstance(value, list):
        for part in value:
            yield from named(part)


def signature(surface, kind, number):
    """Returns the part of an item that is visible from outside."""
    item = surface.index[str(number)]
    own, body = inner(item)
    if kind == "impl":
        associated = [surface.index[str(part)]["inner"] for part in body["items"]]
        return [body["trait"], body["for"], [part["assoc_type"] for part in associated if "assoc_type" in part]]
    if own == "function":
        return [body["sig"], body["generics"]]
    if own in ("struct", "enum", "trait"):
        return [body["generics"], body.get("bounds", [])]
    return [body] if own != "module" else []


def outside_types(surface, description, versions):
    """Returns for each dependency where the public API names one of its types, as `(place, type, hidden)`."""
    crates = {int(number): crate["name"] for number, crate in description["external_crates"].items()}
    found = {}

    def look(kind, number, place, hidden):
        for target, name in named(signature(surface, kind, number)):
            summary = description["paths"].get(str(target))
            if summary is None or summary["crate_id"] == 0:
                continue
            crate = crates[summary["crate_id"]]
            if crate not in STANDARD:
                found.setdefault(crate, set()).add((place, "::".join(summary["path"]), hidden))

    for number, ((hidden, _, path), _kind) in surface.items.items():
        place = "::".join(path[1:])
        look("item", number, place, hidden)
        for kind, child in surface.children(number):
            name = surface.index[str(child)]["name"]
            look(kind, child, f"{place} (impl)" if kind == "impl" else f"{place}::{name}", hidden)
    for place, (source, hidden) in surface.foreign.items():
        crate = source.split("::")[0]
        found.setdefault(crate, set()).add((place.split("::", 1)[1], source, hidden))
    return {crate: (versions.get(crate, ["?"]), sorted(places)) for crate, places in sorted(found.items())}


def print_counts(surface):
    rows, methods = {}, Counter()
    for number, ((hidden, length, path), kind) in surface.items.items():
        module = path[1] if length > 2 or kind == "module" else "(root)"
        if hidden:
            module = "(hidden)"
        rows.setdefault(module, Counter())[kind] += 1
        methods[module] += sum(kind == "method" for kind, _ in surface.children(number))
    rows["total without hidden"] = sum((row for name, row in rows.items() if name != "(hidden)"), Counter())
    methods["total without hidden"] = sum(n for name, n in methods.items() if name != "(hidden)")
    print(f"{'':22}" + "".join(f"{kind:>11}" for kind in KINDS) + f"{'items':>9}{'methods':>9}")
    for module, row in sorted(rows.items(), key=lambda row: (row[0].startswith("total"), row[0] == "(hidden)", row[0])):
        counts = "".join(f"{row[kind]:>11}" for kind in KINDS)
        print(f"{module:22}{counts}{sum(row.values()):>9}{methods[module]:>9}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--list", action="store_true", help="list every item")
    parser.add_argument("--package", default="frostline", help="a library of the workspace (default: frostline)")
    arguments = parser.parse_args()
    metadata, description = described(arguments.package)
    surface = Surface(description)
    if arguments.list:
        for (hidden, _, path), kind in sorted(surface.items.values(), key=lambda item: item[0][2]):
            print(f"{kind:10} {'::'.join(path)}{'  (hidden)' if hidden else ''}")
    print_counts(surface)
    print(f"\nre-exported at the root: {len(surface.root_names)} of at most {MOST_AT_ROOT}")

    versions = {}
    for package in metadata["packages"]:
        versions.setdefault(package["name"].replace("-", "_"), []).append(package["version"])
    members = {package["name"].replace("-", "_") for package in metadata["packages"]
               if package["id"] in metadata["workspace_members"]}
    wrong = len(surface.root_names) > MOST_AT_ROOT
    for crate, (version, places) in outside_types(surface, description, versions).items():
        unsettled = crate not in ALLOWED | members and all(number.startswith("0.") for number in version)
        shown = [place for place in places if not place[2]]
        wrong |= unsettled and bool(shown)
        note = " (0.x: not allowed)" if unsettled else ""
        print(f"\n{crate} {', '.join(version)}: {len(shown)} documented, {len(places) - len(shown)} hidden{note}")
        if crate not in STANDARD | {"serde_core", "serde"} or unsettled:
            for place, name, hidden in places:
                print(f"    {place}: {name}{'  (hidden)' if hidden else ''}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
