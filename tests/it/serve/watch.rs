//! Heads that come and go in a watched folder, metrics, and the description of the interface.

use std::fs;

use crate::harness::{Place, Server, wait_for};

#[test]
fn of_two_heads_of_one_name_the_first_is_served_and_the_other_is_told() {
    let Some(place) = Place::fitted() else { return };
    fs::create_dir_all(place.path("heads/pets")).unwrap();
    for file in [
        "pets.safetensors",
        "pets/1.safetensors",
        "fixed.safetensors",
    ] {
        fs::copy(place.path("head"), place.path("heads/") + file).unwrap();
    }
    let server = Server::start(&place, "--watch {dir}/heads --head fixed={dir}/head");
    let hidden = || {
        let events = server.events().into_iter();
        let told = events.filter(|event| event["event"] == "hidden");
        let mut paths: Vec<_> = told
            .map(|event| event["path"].as_str().unwrap().to_owned())
            .collect();
        paths.sort();
        paths
    };
    let ends = |paths: &[String], ends: [&str; 2]| {
        paths.len() == 2
            && paths
                .iter()
                .zip(ends)
                .all(|(path, end)| path.ends_with(end))
    };
    let wanted = ["heads/fixed.safetensors", "heads/pets/1.safetensors"];
    let told = wait_for(|| ends(&hidden(), wanted).then_some(()));
    assert!(told.is_some(), "{:?}", hidden());
}

#[test]
fn heads_come_change_and_go() {
    let Some(place) = Place::fitted() else { return };
    fs::create_dir_all(place.path("heads/pets")).unwrap();
    let server = Server::start(&place, "--watch {dir}/heads --head fixed={dir}/head");
    let names = || {
        let models = server.get("/v1/models").with(200)["models"].clone();
        let models = models.as_array().unwrap().iter();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        models
            .map(|m| text(&m["name"]) + "@" + &text(&m["version"]))
            .collect::<Vec<_>>()
    };
    let until = |wanted: &[&str]| {
        let there = wait_for(|| (names() == wanted).then_some(()));
        assert!(there.is_some(), "{:?}", server.events());
    };
    assert_eq!(names(), ["fixed@1"]);
    fs::copy(place.path("head"), place.path("heads/pets/2.safetensors")).unwrap();
    fs::copy(place.path("head"), place.path("heads/pets/10.safetensors")).unwrap();
    until(&["fixed@1", "pets@2", "pets@10"]);
    let image = fs::read(place.path("images/red/0.png")).unwrap();
    let reply = server.post("/v1/classify?model=pets", &image).with(200);
    assert_eq!(
        (&reply["version"], &reply["results"][0]["label"]),
        (&"10".into(), &"red".into())
    );
    fs::write(place.path("heads/pets/10.safetensors"), "damaged").unwrap();
    fs::write(place.path("heads/other.safetensors"), "no head").unwrap();
    let failures = || {
        let events = server.events();
        let failed = events
            .into_iter()
            .filter(|event| event["event"] == "not_loaded");
        failed
            .map(|event| event["model"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let both = |failed: Vec<String>| {
        failed.iter().any(|n| n == "other") && failed.iter().any(|n| n == "pets")
    };
    assert!(wait_for(|| both(failures()).then_some(())).is_some());
    assert_eq!(
        names(),
        ["fixed@1", "pets@2", "pets@10"],
        "the old head is still served"
    );
    fs::remove_file(place.path("heads/pets/10.safetensors")).unwrap();
    until(&["fixed@1", "pets@2"]);
    assert_eq!(server.event("removed")["version"], "10");
    assert!(
        failures().len() <= 4,
        "a failure is told once: {:?}",
        failures()
    );
}

/// A folder that is away for a moment, as on a disk of the network, takes no head out of service.
#[test]
fn heads_stay_while_their_folder_cannot_be_read() {
    let Some(place) = Place::fitted() else { return };
    fs::create_dir_all(place.path("heads")).unwrap();
    fs::copy(place.path("head"), place.path("heads/pets.safetensors")).unwrap();
    let server = Server::start(&place, "--watch {dir}/heads --head fixed={dir}/head");
    fs::rename(place.path("heads"), place.path("away")).unwrap();
    let told = server.event("folder_not_read");
    assert!(told["error"].as_str().unwrap().contains("heads`"), "{told}");
    let image = fs::read(place.path("images/red/0.png")).unwrap();
    let reply = server.post("/v1/classify?model=pets", &image).with(200);
    assert_eq!(reply["results"][0]["label"], "red");
    fs::remove_file(place.path("away/pets.safetensors")).unwrap();
    fs::rename(place.path("away"), place.path("heads")).unwrap();
    assert_eq!(server.event("removed")["model"], "pets");
    let events = server.events();
    let count = events.iter().filter(|e| e["event"] == "folder_not_read");
    assert_eq!(count.count(), 1);
}

/// What takes the place of a head and is none leaves the old head serving, until there is a head again.
#[test]
#[cfg(unix)]
fn a_head_is_replaced_by_what_is_no_file() {
    let Some(place) = Place::fitted() else { return };
    fs::create_dir_all(place.path("heads")).unwrap();
    let head = place.path("heads/pets.safetensors");
    fs::copy(place.path("head"), &head).unwrap();
    let server = Server::start(&place, "--watch {dir}/heads --head fixed={dir}/head");
    let image = fs::read(place.path("images/red/0.png")).unwrap();
    let count = |name: &str| {
        let events = server.events();
        events.iter().filter(|event| event["event"] == name).count()
    };
    let pipe = |path: &str| {
        let made = std::process::Command::new("mkfifo").arg(path).status();
        assert!(made.unwrap().success());
    };
    let put = |what: &str, path: &str| match what {
        "a folder" => fs::create_dir(path).unwrap(),
        "a pipe" => pipe(path),
        _ => std::os::unix::fs::symlink("nothing", path).unwrap(),
    };
    let others = ["a folder", "a pipe", "a link to nothing"];
    for (round, what) in others.into_iter().enumerate() {
        let wait = |name: &str, wanted: usize| {
            let there = wait_for(|| (count(name) == wanted).then_some(()));
            assert!(there.is_some(), "{what}: {:?}", server.events());
        };
        fs::rename(&head, place.path("old")).unwrap();
        put(what, &place.path("new"));
        fs::rename(place.path("new"), &head).unwrap();
        wait("not_loaded", round + 1);
        let label = |reply: serde_json::Value| reply["results"][0]["label"].clone();
        let reply = server.post("/v1/classify?model=pets", &image).with(200);
        assert_eq!(label(reply), "red", "{what}");
        fs::rename(&head, place.path(&format!("gone{round}"))).unwrap();
        fs::rename(place.path("old"), &head).unwrap();
        wait("loaded", 3 + round);
    }
    assert!(server.events().iter().all(|event| event["kept"] != false));
}

#[test]
fn metrics_count_requests_and_images() {
    let Some(place) = Place::fitted() else { return };
    let server = Server::start(&place, "");
    let image = fs::read(place.path("images/red/0.png")).unwrap();
    for query in ["", "?threshold=1"] {
        assert_eq!(
            server.post(&format!("/v1/classify{query}"), &image).status,
            200
        );
    }
    assert_eq!(server.post("/v1/classify", b"").status, 422);
    assert_eq!(server.get("/nothing/12345").status, 404);
    let reply = server.get("/metrics");
    assert_eq!(
        reply.headers["content-type"],
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let text = String::from_utf8(reply.body).unwrap();
    for line in [
        r#"frostline_requests_total{route="/v1/classify",status="200"} 2"#,
        r#"frostline_requests_total{route="other",status="404"} 1"#,
        r#"frostline_images_total{model="pets",version="1",result="ok"} 1"#,
        r#"frostline_images_total{model="pets",version="1",result="unknown"} 1"#,
        r#"frostline_images_total{model="pets",version="1",result="error"} 1"#,
        r#"frostline_rejections_total{reason="not_found"} 1"#,
        "frostline_batch_images_count 2",
        "frostline_models 1",
    ] {
        assert!(
            text.lines().any(|found| found == line),
            "{line} is not in\n{text}"
        );
    }
    assert!(text.contains("frostline_queue_images{backbone="), "{text}");
}

#[test]
fn the_gallery_has_the_nearest_training_images() {
    let Some(place) = Place::fitted() else { return };
    let server = Server::start(
        &place,
        "--gallery {dir}/store --gallery-images {dir}/images",
    );
    let image = fs::read(place.path("images/red/1.png")).unwrap();
    let result = server.post("/v1/classify?nearest=2", &image).with(200)["results"][0].clone();
    let nearest = result["nearest"].as_array().unwrap();
    assert_eq!(nearest.len(), 2);
    assert_eq!(
        (&nearest[0]["name"], &nearest[0]["label"]),
        (&"red/1.png".into(), &"red".into())
    );
    assert!((nearest[0]["similarity"].as_f64().unwrap() - 1.0).abs() < 1e-5);
    let path = nearest[0]["thumbnail"].as_str().unwrap();
    let thumbnail = server.get(path);
    assert_eq!(
        (thumbnail.status, &*thumbnail.headers["content-type"]),
        (200, "image/jpeg")
    );
    assert!(thumbnail.body.starts_with(b"\xff\xd8"));
    for path in ["/v1/gallery/0123", "/v1/gallery/..%2F..%2Fhead"] {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
    // Without the parameter there are none, and a changed file has no thumbnail.
    assert!(server.post("/v1/classify", &image).with(200)["results"][0]["nearest"].is_null());
    assert_eq!(server.post("/v1/classify?nearest=21", &image).status, 400);
    fs::write(place.path("images/red/1.png"), "changed").unwrap();
    assert_eq!(server.get(path).status, 404);
    place
        .frostline("serve --head a={dir}/head --gallery {dir}/head")
        .exits(1)
        .says(&["error: "]);
    fs::create_dir(place.path("other")).unwrap();
    place
        .frostline("serve --head a={dir}/head --gallery {dir}/store --gallery-images {dir}/other")
        .exits(1)
        .says(&[
            "has none of the images of",
            "hint: pass the folder that was given to `extract`",
        ]);
}

/// The description has a schema for each reply, and the replies match it.
#[test]
fn replies_match_the_description() {
    let Some(place) = Place::fitted() else { return };
    let server = Server::start(&place, "");
    let description = server.get("/openapi.json").with(200);
    assert!(description["openapi"].as_str().unwrap().starts_with("3.1"));
    for path in description["paths"].as_object().unwrap().values() {
        for operation in path.as_object().unwrap().values() {
            let responses = operation["responses"].as_object().unwrap();
            assert!(
                responses
                    .values()
                    .all(|response| response["description"].is_string())
            );
        }
    }
    let image = fs::read(place.path("images/red/0.png")).unwrap();
    for (method, path, status, reply) in [
        ("get", "/v1/models", "200", server.get("/v1/models")),
        (
            "post",
            "/v1/classify",
            "200",
            server.post("/v1/classify?threshold=1", &image),
        ),
        (
            "post",
            "/v1/classify",
            "422",
            server.post("/v1/classify", b"x"),
        ),
        (
            "post",
            "/v1/classify",
            "4XX",
            server.post("/v1/classify?model=x", &image),
        ),
        ("get", "/v2", "200", server.get("/v2")),
        (
            "get",
            "/v2/models/{name}",
            "200",
            server.get("/v2/models/pets"),
        ),
        (
            "get",
            "/v2/models/{name}/versions/{version}",
            "200",
            server.get("/v2/models/pets/versions/1"),
        ),
    ] {
        let responses = &description["paths"][path][method]["responses"];
        let content = &responses[status]["content"]["application/json"]["schema"];
        assert!(content.is_object(), "{method} {path} {status}: {responses}");
        let mut schema = content.clone();
        schema["components"] = description["components"].clone();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let problems: Vec<_> = validator
            .iter_errors(&reply.json())
            .map(|e| e.to_string())
            .collect();
        assert!(problems.is_empty(), "{method} {path}: {problems:?}");
    }
}
