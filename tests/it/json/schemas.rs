//! The schemas describe every field of an object and allow no others.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Map, Value};

use super::{folder, schema};

/// Calls `check` for a schema and all schemas inside it, with their JSON pointers.
fn each(schema: &Value, at: &str, check: &mut dyn FnMut(&str, &Map<String, Value>)) {
    match schema {
        Value::Object(map) => {
            check(at, map);
            let parts = map.iter();
            parts.for_each(|(key, part)| each(part, &format!("{at}/{key}"), check));
        }
        Value::Array(parts) => {
            let parts = parts.iter().enumerate();
            parts.for_each(|(i, part)| each(part, &format!("{at}/{i}"), check));
        }
        _ => {}
    }
}

/// What is missing from an object's schema.
fn faults(at: &str, object: &Map<String, Value>) -> Vec<String> {
    let Some(properties) = object.get("properties").and_then(Value::as_object) else {
        return Vec::new();
    };
    let mut faults = Vec::new();
    // `properties` may itself be the name of a field; then it is a schema, with a type or an `anyOf`.
    if object.get("additionalProperties") != Some(&Value::Bool(false)) {
        faults.push(format!("{at}: `additionalProperties` is not false"));
    }
    let required = object.get("required").and_then(Value::as_array);
    match required {
        None => faults.push(format!("{at}: no `required`")),
        Some(required) => {
            let unknown = required.iter().filter_map(Value::as_str);
            let unknown = unknown.filter(|name| !properties.contains_key(*name));
            faults.extend(unknown.map(|name| format!("{at}: `{name}` is not a field")));
        }
    }
    for (name, field) in properties {
        let described = field.get("description").is_some() || field.get("$ref").is_some();
        if !described {
            faults.push(format!("{at}/{name}: no `description`"));
        }
    }
    faults
}

#[test]
fn every_field_of_every_schema_is_described() {
    let names: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_owned())
        .map(|name| name.into_string().unwrap())
        .collect();
    let expected = [
        "doctor",
        "drift",
        "evaluate",
        "export",
        "extract",
        "features-compact",
        "features-merge",
        "features-show",
        "features-status",
        "fit-head",
        "inspect",
        "labels-apply",
        "labels-diff",
        "labels-stats",
        "models-list",
        "models-show",
        "split",
    ];
    assert!(names.iter().eq(expected), "{names:?}");
    let page = fs::read_to_string(folder().join("../json.md")).unwrap();
    for name in names {
        assert!(page.contains(&format!("(schemas/{name}.json)")), "{name}");
        let schema = schema(&name);
        jsonschema::draft202012::meta::validate(&schema).unwrap();
        let mut found = Vec::new();
        let (mut defined, mut used) = (BTreeSet::new(), BTreeSet::new());
        each(&schema, "", &mut |at, map| {
            found.extend(faults(at, map));
            let target = map.get("$ref").and_then(Value::as_str);
            used.extend(target.map(|target| target.trim_start_matches('#').to_owned()));
            if let Some(("/$defs", name)) = at.rsplit_once('/') {
                defined.insert(format!("/$defs/{name}"));
                let described = map.contains_key("description");
                assert!(described, "{at}: no `description`");
            }
        });
        assert!(found.is_empty(), "{name}: {found:#?}");
        assert_eq!(defined, used, "{name}");
    }
}
