//! What goes wrong around the page: no connection, another tab, images that are gone.

use std::fs;

use serde_json::json;

use crate::harness::{ENTER, Labelling, Person, Place, has_labels, two_patterns};

use super::{path, rows, session};

#[test]
fn an_action_waits_for_the_connection() {
    let Some((place, _labelling, person)) = session(6) else {
        return;
    };
    let offline = |offline: bool| {
        let state = json!({
            "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1
        });
        person.0.devtools("Network.enable", &json!({}));
        person
            .0
            .devtools("Network.emulateNetworkConditions", &state);
    };
    let mut given = vec![(path(&person), "kept".to_owned())];
    person.classifies("kept");
    person.reads("#tally", "1 of 12");
    given.push((path(&person), "kept".to_owned()));
    offline(true);
    person.0.press(&["1"]);
    person.reads("#notice", "Connection lost. 1 action waits for it.");
    // What could be done twice is refused.
    person.0.press(&["u"]);
    person.reads("#said", "nothing was done");
    offline(false);
    person.sees("return !document.getElementById('notice').textContent.includes('Connection')");
    person.is_done();
    person.reads("#tally", "2 of 12");
    has_labels(&place, &given);
    // The browser itself reports each request that failed.
    let complaints = person.0.complaints();
    assert!(
        complaints
            .iter()
            .all(|text| text.contains("ERR_INTERNET_DISCONNECTED")),
        "{complaints:?}"
    );
}

#[test]
fn a_stopped_service_is_told_clearly() {
    let Some((_place, labelling, person)) = session(4) else {
        return;
    };
    labelling.kill();
    person.reads(
        "#notice",
        "start it again and open the address that it prints",
    );
}

#[test]
fn a_page_of_an_earlier_session_says_so_and_what_was_not_saved() {
    let Some((place, labelling, person)) = session(4) else {
        return;
    };
    person.classifies("kept");
    let port = labelling.host.split_once(':').unwrap().1.to_owned();
    labelling.kill();
    person.reads("#notice", "Connection lost.");
    person.0.press(&["1"]);
    person.reads("#notice", "1 action waits for it.");
    let next = Labelling::start(&place, &format!("--port {port}"));
    let words = "frostline was started again: open the address that it printed.";
    person.reads("#notice", &format!("{words} 1 action was not saved."));
    // Later ones are refused at once.
    person.press(&["1"]);
    person.reads("#said", words);
    person.reads("#notice", "2 actions were not saved.");
    assert_eq!(next.get("api/state")["n_labelled"], 1);
}

#[test]
fn another_tab_is_seen_and_its_changes_are_not_overwritten() {
    let Some((place, labelling, person)) = session(6) else {
        return;
    };
    for (id, class) in [(0, "blue"), (1, "blue"), (6, "red"), (7, "red")] {
        labelling
            .act(&json!({ "kind": "label", "ids": [id], "class": class }))
            .with(200);
    }
    person.reads("#tally", "4 of 12");
    person.reads("#hint", "Grouped by what the classifier thinks");
    person.sees("return document.querySelectorAll('#sort-grid .tile[data-id]').length === 8");
    // The other tab takes an image out of the group at the moment in which it is accepted.
    person.0.js(
        "const send = window.fetch;
         window.fetch = async (path, options) => {
           if (!options?.body?.includes?.('accept_group')) return send(path, options);
           const group = JSON.parse(options.body);
           const { items } = await (await send(`api/groups/${group.key}?offset=0&limit=1`)).json();
           const body = JSON.stringify({ kind: 'leave_out', ids: [items[0].id] });
           await send('api/act', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
           return send(path, options);
         }",
    );
    person.press(&["g"]);
    person.reads("#said", "Nothing was changed. Look at it again.");
    person.reads("#tally", "4 of 12");
    let given = [
        ("blue/00.ppm", "blue"),
        ("blue/01.ppm", "blue"),
        ("red/00.ppm", "red"),
        ("red/01.ppm", "red"),
    ];
    has_labels(&place, &rows(given));
    let complaints = person.0.complaints();
    assert!(
        complaints.len() == 1 && complaints[0].contains("409"),
        "{complaints:?}"
    );
}

#[test]
fn images_that_are_gone_say_so() {
    let Some(place) = Place::installed() else {
        return;
    };
    two_patterns(&place.folder().join("images"), 5);
    let labelling = Labelling::start(&place, "");
    let Some(person) = Person::at(&labelling) else {
        return;
    };
    person.sees("return document.getElementById('work').hidden");
    fs::remove_file(place.path("images/red/04.ppm")).unwrap();
    person.0.devtools("Network.clearBrowserCache", &json!({}));
    person.open(&labelling, "sort");
    person.reads(".picture.missing", "gone or changed");
    // It can still be left out.
    person
        .0
        .js("document.querySelector('.picture.missing').closest('.tile').focus()");
    person.press(&["x"]);
    person.reads("#said", "1 image left out.");
    let complaints = person.0.complaints();
    assert!(
        complaints.iter().all(|text| text.contains("404")),
        "{complaints:?}"
    );
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_told_and_nothing_looks_done() {
    let Some(place) = Place::fitted() else {
        return;
    };
    let labelling = Labelling::without_room(&place, "--features {dir}/store");
    labelling.fill(8);
    let Some(person) = Person::at(&labelling) else {
        return;
    };
    let labelled = labelling.get("api/state")["n_labelled"].clone();
    person.reads("#tally", &format!("{labelled} of 12"));
    person.takes_keys();
    person.classifies(&"z".repeat(199));
    person.reads("#said", "cannot write");
    person.reads("#tally", &format!("{labelled} of 12"));
    assert_eq!(labelling.get("api/state")["n_labelled"], labelled);
    let complaints = person.0.complaints();
    assert!(
        complaints.iter().all(|text| text.contains("507")),
        "{complaints:?}"
    );
}

#[cfg(unix)]
#[test]
fn a_service_that_does_not_answer_is_noticed() {
    let Some((place, labelling, person)) = session(4) else {
        return;
    };
    let given = (path(&person), "late".to_owned());
    labelling.send_signal("STOP");
    person.0.press(&["c", "l", "a", "t", "e", ENTER]);
    person.reads("#notice", "Connection lost. 1 action waits for it.");
    labelling.send_signal("CONT");
    person.sees("return !document.getElementById('notice').textContent.includes('Connection')");
    person.is_done();
    person.reads("#tally", "1 of 8");
    has_labels(&place, &[given]);
    person.was_not_disturbed(&labelling);
}
