//! The public API: few names at the root, and ndarray and linfa are the only dependencies below 1.0 whose
//! types appear in signatures. `scripts/public_names.py` counts the whole API from rustdoc's output.
//!
//! `unreachable_pub` is on, so every unrestricted `pub` item is reachable by users.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use syn::visit::{self, Visit};
use syn::{Fields, ImplItem, Item, TraitItem, UseTree, Visibility};

use crate::import_cycles::{attributes, is_for_tests};

/// Re-exported, so that users get the right version.
const ALLOWED: &[&str] = &["linfa", "linfa_logistic", "ndarray"];

/// Collects the names that a `use` imports, each with the crate that its path starts with.
fn bind(first: Option<&str>, tree: &UseTree, to: &mut BTreeMap<String, String>) {
    let mut insert = |name: &syn::Ident| {
        let first = first.map_or_else(|| name.to_string(), str::to_owned);
        to.insert(name.to_string(), first);
    };
    match tree {
        UseTree::Path(path) => {
            let ident = path.ident.to_string();
            bind(Some(first.unwrap_or(&ident)), &path.tree, to);
        }
        UseTree::Name(name) => insert(&name.ident),
        UseTree::Rename(name) => insert(&name.rename),
        UseTree::Group(group) => group.items.iter().for_each(|tree| bind(first, tree, to)),
        UseTree::Glob(_) => {}
    }
}

/// The crates of the types in a file's public signatures.
struct Named<'a> {
    unstable: &'a BTreeSet<String>,
    bound: BTreeMap<String, String>,
    public_types: BTreeSet<String>,
    found: Vec<String>,
}

impl<'a> Named<'a> {
    fn in_text(text: &str, unstable: &'a BTreeSet<String>) -> Vec<String> {
        let file = syn::parse_file(text).unwrap();
        let mut named = Self {
            unstable,
            bound: BTreeMap::new(),
            public_types: BTreeSet::new(),
            found: Vec::new(),
        };
        let items = || {
            file.items
                .iter()
                .filter(|item| !is_for_tests(attributes(item)))
        };
        for item in items() {
            match item {
                Item::Use(item) => bind(None, &item.tree, &mut named.bound),
                Item::Struct(item) if is_public(&item.vis) => named.type_of(&item.ident),
                Item::Enum(item) if is_public(&item.vis) => named.type_of(&item.ident),
                _ => {}
            }
        }
        items().for_each(|item| named.item(item));
        named.found
    }

    fn type_of(&mut self, name: &syn::Ident) {
        self.public_types.insert(name.to_string());
    }

    fn item(&mut self, item: &Item) {
        match item {
            Item::Fn(item) if is_public(&item.vis) => self.visit_signature(&item.sig),
            Item::Const(item) if is_public(&item.vis) => self.visit_type(&item.ty),
            Item::Type(item) if is_public(&item.vis) => self.visit_type(&item.ty),
            Item::Struct(item) if is_public(&item.vis) => self.fields(&item.fields, is_public),
            Item::Enum(item) if is_public(&item.vis) => {
                for variant in &item.variants {
                    self.fields(&variant.fields, |_| true);
                }
            }
            Item::Trait(item) if is_public(&item.vis) => {
                for item in &item.items {
                    if let TraitItem::Fn(method) = item {
                        self.visit_signature(&method.sig);
                    }
                }
            }
            Item::Impl(item) => self.implementation(item),
            _ => {}
        }
    }

    fn fields(&mut self, fields: &Fields, counts: impl Fn(&Visibility) -> bool) {
        let counted = fields.iter().filter(|field| counts(&field.vis));
        counted.for_each(|field| self.visit_type(&field.ty));
    }

    fn implementation(&mut self, item: &syn::ItemImpl) {
        let syn::Type::Path(of) = &*item.self_ty else {
            return;
        };
        let name = of.path.segments.last().unwrap().ident.to_string();
        if !self.public_types.contains(&name) {
            return;
        }
        if let Some((_, implemented, _)) = &item.trait_ {
            self.visit_path(implemented);
            return;
        }
        for item in &item.items {
            match item {
                ImplItem::Fn(method) if is_public(&method.vis) => self.visit_signature(&method.sig),
                _ => {}
            }
        }
    }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

impl<'a> Visit<'a> for Named<'_> {
    fn visit_path(&mut self, path: &'a syn::Path) {
        let first = path.segments[0].ident.to_string();
        let from = self.bound.get(&first).unwrap_or(&first);
        if self.unstable.contains(from) {
            self.found.push(from.clone());
        }
        visit::visit_path(self, path);
    }
}

/// Returns the dependencies whose next release may be incompatible, as they are named in paths.
fn unstable_dependencies() -> BTreeSet<String> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let manifest: toml::Table = fs::read_to_string(manifest).unwrap().parse().unwrap();
    let shared = manifest["workspace"]["dependencies"].as_table().unwrap();
    let dependencies = manifest["dependencies"].as_table().unwrap().iter();
    let unstable = dependencies.filter(|(name, wanted)| {
        let wanted = match wanted.get("workspace") {
            Some(_) => &shared[*name],
            None => wanted,
        };
        let version = wanted.get("version").unwrap_or(wanted).as_str().unwrap();
        // The workspace's crates are released together with the library.
        wanted.get("path").is_none() && (version.starts_with("0.") || version.contains('-'))
    });
    let names = unstable.map(|(name, _)| name.replace('-', "_"));
    names
        .filter(|name| !ALLOWED.contains(&name.as_str()))
        .collect()
}

#[test]
fn signatures_name_no_type_of_an_unstable_dependency_but_ndarray_and_linfa() {
    let unstable = unstable_dependencies();
    assert!(
        unstable.contains("ort") && unstable.contains("image"),
        "{unstable:?}"
    );
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    for path in crate::borders::source_files(&src) {
        let relative = path.strip_prefix(&src).unwrap();
        if relative.starts_with("cli")
            || relative.ends_with("main.rs")
            || relative.ends_with("tests.rs")
        {
            continue;
        }
        let named = Named::in_text(&fs::read_to_string(&path).unwrap(), &unstable);
        found.extend(
            named
                .into_iter()
                .map(|name| format!("{}: {name}", relative.display())),
        );
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_public_signature_is_told_from_a_private_one() {
    let unstable = BTreeSet::from(["image".to_owned()]);
    let found = |text: &str| Named::in_text(text, &unstable).len();
    assert_eq!(
        found("use image::Rgb as Pixel;\npub fn a(_: Vec<Pixel<u8>>) {}"),
        1
    );
    assert_eq!(
        found("pub struct A { pub a: image::Rgb<u8>, b: image::Rgb<u8> }"),
        1
    );
    assert_eq!(found("pub enum A { B(image::Rgb<u8>) }"), 1);
    assert_eq!(
        found("pub struct A;\nimpl From<image::ImageError> for A {}"),
        1
    );
    assert_eq!(
        found("pub struct A;\nimpl A { pub fn a() -> image::Rgb<u8> {} }"),
        1
    );
    assert_eq!(
        found("use image::Rgb;\npub(crate) fn a(_: Rgb<u8>) { let _ = Rgb(1); }"),
        0
    );
    assert_eq!(found("struct A;\nimpl From<image::ImageError> for A {}"), 0);
    assert_eq!(
        found("pub fn a() -> crate::image::Rgb { image::open() }"),
        0
    );
}

#[test]
fn the_root_re_exports_at_most_60_names() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs");
    let root = syn::parse_file(&fs::read_to_string(root).unwrap()).unwrap();
    let mut names = BTreeMap::new();
    for item in &root.items {
        if let Item::Use(item) = item
            && is_public(&item.vis)
        {
            bind(None, &item.tree, &mut names);
        }
    }
    assert!(names.contains_key("Extractor") && names.contains_key("Classifier"));
    assert!(names.len() <= 60, "{} names: {names:?}", names.len());
}
