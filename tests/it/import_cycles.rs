//! Files have no circular imports, direct or indirect.
//!
//! A file imports another if it names an item that the other file defines. Re-exports are followed to the
//! definition, so importing through a parent module does not import the parent. Test modules are ignored.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use syn::visit::{self, Visit};
use syn::{Attribute, ItemMod, ItemUse, Macro, Meta, UseTree, VisRestricted, Visibility};

/// A module's path below the crate's root: `["images", "scan"]`.
type Name = Vec<String>;

/// The imports and exports of one file.
#[derive(Default)]
struct Source {
    /// Names that `use` brings into the file, with their paths.
    bound: BTreeMap<String, Name>,
    /// The names that are re-exported.
    exported: BTreeSet<String>,
    /// Paths outside of `use`.
    paths: Vec<Name>,
    /// How many inline modules enclose the current item.
    depth: usize,
}

impl Source {
    fn of(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let mut source = Self::default();
        source.visit_file(&syn::parse_file(&text).unwrap());
        source
    }

    fn bind(&mut self, before: &[String], tree: &UseTree, exported: bool) {
        let with = |last: &syn::Ident| [before, &[last.to_string()]].concat();
        let (path, name) = match tree {
            UseTree::Path(tree) => return self.bind(&with(&tree.ident), &tree.tree, exported),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.bind(before, tree, exported);
                }
                return;
            }
            UseTree::Name(tree) if tree.ident == "self" => {
                (before.to_vec(), before.last().unwrap().clone())
            }
            UseTree::Name(tree) => (with(&tree.ident), tree.ident.to_string()),
            UseTree::Rename(tree) => (with(&tree.ident), tree.rename.to_string()),
            UseTree::Glob(_) => (before.to_vec(), format!("{}::*", before.join("::"))),
        };
        if exported {
            self.exported.insert(name.clone());
        }
        let path = self.outside(&path);
        self.bound.insert(name, path);
    }

    /// Returns a path as it would be written outside the file's inline modules.
    fn outside(&self, path: &[String]) -> Name {
        let inner = path.iter().take(self.depth);
        let own = inner.take_while(|part| *part == "super").count();
        path[own..].to_vec()
    }
}

impl<'a> Visit<'a> for Source {
    fn visit_item(&mut self, item: &'a syn::Item) {
        if !is_for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &'a ItemMod) {
        self.depth += 1;
        visit::visit_item_mod(self, module);
        self.depth -= 1;
    }

    fn visit_item_use(&mut self, item: &'a ItemUse) {
        let exported = !matches!(item.vis, Visibility::Inherited);
        self.bind(&[], &item.tree, exported);
    }

    fn visit_vis_restricted(&mut self, _: &'a VisRestricted) {}

    fn visit_path(&mut self, path: &'a syn::Path) {
        let parts = path.segments.iter().map(|part| part.ident.to_string());
        let parts: Name = parts.collect();
        let named = self.outside(&parts);
        self.paths.push(named);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'a Macro) {
        let text = call.tokens.to_string().replace(" :: ", "::");
        let words = text.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
        for word in words.filter(|word| word.contains("::")) {
            let path: Name = word.split("::").map(str::to_owned).collect();
            let path = self.outside(&path);
            self.paths.push(path);
        }
    }
}

pub(crate) fn attributes(item: &syn::Item) -> &[Attribute] {
    use syn::Item::{Const, Enum, Fn, Impl, Mod, Static, Struct, Trait, Use};
    match item {
        Const(item) => &item.attrs,
        Enum(item) => &item.attrs,
        Fn(item) => &item.attrs,
        Impl(item) => &item.attrs,
        Mod(item) => &item.attrs,
        Static(item) => &item.attrs,
        Struct(item) => &item.attrs,
        Trait(item) => &item.attrs,
        Use(item) => &item.attrs,
        _ => &[],
    }
}

pub(crate) fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg") => {
            let condition = list.tokens.to_string();
            let mut words = condition.split(|c: char| !c.is_alphanumeric());
            words.any(|word| word == "test")
        }
        _ => false,
    })
}

/// The files of a crate by module name; the root's name is empty.
struct Crate(BTreeMap<Name, Source>);

impl Crate {
    fn read(root: &Path) -> Self {
        let mut files = BTreeMap::new();
        for path in crate::borders::source_files(root) {
            let relative = path.strip_prefix(root).unwrap().with_extension("");
            let parts = relative
                .iter()
                .map(|part| part.to_str().unwrap().to_owned());
            let mut name: Name = parts.collect();
            if matches!(name.last().map(String::as_str), Some("lib" | "mod")) {
                name.pop();
            }
            if name != ["main"] && !name.contains(&"tests".to_owned()) {
                files.insert(name, Source::of(&path));
            }
        }
        Self(files)
    }

    /// Returns the file that defines the item which `path` names in the file `from`; `None` if another crate
    /// defines it.
    fn definition(
        &self,
        from: &Name,
        path: &[String],
        seen: &mut BTreeSet<(Name, Name)>,
    ) -> Option<Name> {
        if !seen.insert((from.clone(), path.to_vec())) {
            return Some(from.clone());
        }
        let mut at = from.clone();
        let mut rest = path;
        let first = rest.first()?;
        if !["crate", "super", "self"].contains(&first.as_str()) {
            let own = &self.0[from];
            if !self.0.contains_key(&child(from, first)) && !own.bound.contains_key(first) {
                return None;
            }
        }
        while let Some((first, others)) = rest.split_first() {
            match first.as_str() {
                "crate" => at.clear(),
                "super" => drop(at.pop()),
                "self" => {}
                _ if self.0.contains_key(&child(&at, first)) => at.push(first.clone()),
                _ => {
                    let Some(bound) = self.0[&at].bound.get(first) else {
                        break;
                    };
                    let path = [bound.as_slice(), others].concat();
                    return self.definition(&at, &path, seen).or(Some(at));
                }
            }
            rest = others;
        }
        Some(at)
    }

    /// Returns the files that each file imports, with the path of each import.
    fn imports(&self) -> BTreeMap<Name, BTreeMap<Name, String>> {
        let of = |(name, source): (&Name, &Source)| {
            let bound = source.bound.iter();
            let imported = bound.filter(|(bound, _)| !source.exported.contains(*bound));
            let paths = source.paths.iter().chain(imported.map(|(_, path)| path));
            let found = paths.filter_map(|path| {
                let definition = self.definition(name, path, &mut BTreeSet::new())?;
                (definition != *name).then(|| (definition, path.join("::")))
            });
            (name.clone(), found.collect())
        };
        self.0.iter().map(of).collect()
    }
}

fn child(parent: &Name, name: &str) -> Name {
    [parent.as_slice(), &[name.to_owned()]].concat()
}

/// Returns the imports that are part of a cycle.
fn cycles(imports: &BTreeMap<Name, BTreeMap<Name, String>>) -> Vec<String> {
    let reached = |from: &Name| {
        let (mut reached, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(name) = open.pop() {
            let new = |other: &&Name| reached.insert((*other).clone());
            open.extend(imports[name].keys().filter(new));
        }
        reached
    };
    let reached: BTreeMap<&Name, BTreeSet<Name>> =
        imports.keys().map(|name| (name, reached(name))).collect();
    let mut found = Vec::new();
    for (name, others) in imports {
        let circular = others
            .iter()
            .filter(|(other, _)| reached[other].contains(name));
        found.extend(circular.map(|(other, path)| {
            format!("{} imports {} ({path})", name.join("/"), other.join("/"))
        }));
    }
    found
}

#[test]
fn files_do_not_import_each_other_in_a_cycle() {
    for root in crate::borders::crates() {
        let cycles = cycles(&Crate::read(&root).imports());
        assert!(
            cycles.is_empty(),
            "{}:\n{}",
            root.display(),
            cycles.join("\n")
        );
    }
}

#[test]
fn a_cycle_is_found_through_a_re_export() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("lib.rs", "mod a;\nmod b;\npub use a::A;\npub use b::B;\n");
    write("a.rs", "use crate::B;\npub struct A(B);\n");
    write(
        "b.rs",
        "pub struct B;\n#[cfg(test)]\nmod tests { use super::super::A; }\n",
    );
    let found = || cycles(&Crate::read(folder.path()).imports());
    assert_eq!(found(), [""; 0]);
    write("b.rs", "pub struct B;\nfn a() { let _ = super::A; }\n");
    assert_eq!(
        found(),
        ["a imports b (crate::B)", "b imports a (super::A)"]
    );
    write(
        "b.rs",
        "mod inner { use super::super::A; }\npub struct B;\n",
    );
    assert_eq!(
        found(),
        ["a imports b (crate::B)", "b imports a (super::A)"]
    );
    write(
        "b.rs",
        "pub struct B;\nfn b() { println!(\"{:?}\", crate::A) }\n",
    );
    assert_eq!(
        found(),
        ["a imports b (crate::B)", "b imports a (crate::A)"]
    );
}
