//! Tar archives.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use super::{images, paths, require_all};
use crate::harness::Place;

type Builder = tar::Builder<Vec<u8>>;

/// Adds a member to an archive.
fn add(tar: &mut Builder, name: &str, bytes: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, name, bytes).unwrap();
}

fn add_link(tar: &mut Builder, kind: tar::EntryType, name: &str, target: &str) {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(0);
    tar.append_link(&mut header, name, target).unwrap();
}

pub(crate) fn archive(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut tar = Builder::new(Vec::new());
    for (name, bytes) in members {
        add(&mut tar, name, bytes);
    }
    tar.into_inner().unwrap()
}

pub(crate) fn compress(bytes: &[u8], path: &Path) {
    let file = File::create(path).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap();
}

#[test]
fn an_archive_is_like_its_folder() {
    let Some(place) = Place::fitted() else { return };
    let bytes = archive(&images(&place));
    fs::write(place.path("a.tar"), &bytes).unwrap();
    compress(&bytes, &place.folder().join("a.tar.gz"));
    fs::copy(place.path("a.tar.gz"), place.path("b.tgz")).unwrap();
    for name in ["a.tar", "a.tar.gz", "b.tgz"] {
        let extract = format!("extract {{dir}}/{name} -o {{dir}}/of-{name}");
        place.frostline(&extract).exits(0).says(&["12 computed"]);
        require_all(&place, &format!("of-{name}"));
        let first = &paths(&place, &format!("of-{name}"))[0];
        assert_eq!(*first, (format!("{name}/blue/0.png"), None));
        // Nothing is read or computed again.
        place
            .frostline(&extract)
            .exits(0)
            .says(&["0 computed, 12 reused"]);
        let line = format!("classify {{dir}}/{name} --head {{dir}}/head --format csv");
        let labels = |line: &str| {
            let rows = place.frostline(line).exits(0).out;
            let rows = rows.lines().skip(1);
            rows.map(|row| row.split_once(',').unwrap().1.to_owned())
                .collect::<Vec<_>>()
        };
        let known = labels("classify {dir}/images --head {dir}/head --format csv");
        assert_eq!(labels(&line), known);
        place
            .frostline(&format!("evaluate {{dir}}/{name} --head {{dir}}/head"))
            .exits(0);
        place
            .frostline(&format!("preview {{dir}}/{name} -o {{dir}}/sheet.png"))
            .exits(0);
        // An output does not replace its input.
        place
            .frostline(&format!("{line} -o {{dir}}/{name} --overwrite"))
            .exits(1)
            .says(&["is also an input"]);
    }
}

#[test]
fn the_classes_of_a_web_dataset_are_those_of_its_keys() {
    let Some(place) = Place::fitted() else { return };
    fs::create_dir(place.path("shards")).unwrap();
    for shard in 0..2 {
        let mut tar = Builder::new(Vec::new());
        for (n, (path, bytes)) in images(&place)
            .iter()
            .enumerate()
            .filter(|(n, _)| n % 2 == shard)
        {
            let class = path.split('/').next().unwrap();
            add(&mut tar, &format!("{n:06}.png"), bytes);
            if shard == 0 {
                add(
                    &mut tar,
                    &format!("{n:06}.cls"),
                    format!("{class}\n").as_bytes(),
                );
            } else {
                let json = format!(r#"{{"label": "{class}", "width": 8}}"#);
                add(&mut tar, &format!("{n:06}.json"), json.as_bytes());
            }
        }
        let path = place.path(&format!("shards/{shard:06}.tar"));
        fs::write(path, tar.into_inner().unwrap()).unwrap();
    }
    for (n, pattern) in ["{000000..000001}.tar", "*.tar", "00000?.tar"]
        .iter()
        .enumerate()
    {
        let line = format!("extract {{dir}}/shards/{pattern} -o {{dir}}/new{n}");
        place.frostline(&line).exits(0).says(&["12 computed"]);
        require_all(&place, &format!("new{n}"));
    }
    assert_eq!(paths(&place, "new0")[6].0, "shards/000001.tar/000001.png");
    place
        .frostline("extract {dir}/shards/*.tgz -o {dir}/none")
        .exits(1)
        .says(&["no file matches", "hint: check the pattern"]);
}

#[test]
fn awkward_members_are_skipped_with_their_reasons() {
    let Some(place) = Place::fitted() else { return };
    let images = images(&place);
    let mut tar = Builder::new(Vec::new());
    add(&mut tar, "./a/1.png", &images[0].1);
    add(&mut tar, "a/2.png", b"no image");
    add(&mut tar, "a/1.png", &images[1].1);
    add_link(&mut tar, tar::EntryType::Link, "b/hard.png", "a/1.png");
    add_link(
        &mut tar,
        tar::EntryType::Symlink,
        "b/soft.png",
        "../a/1.png",
    );
    add_link(
        &mut tar,
        tar::EntryType::Symlink,
        "b/out.png",
        "/etc/passwd",
    );
    add_link(&mut tar, tar::EntryType::Symlink, "b/up.png", "../../x.png");
    add_link(&mut tar, tar::EntryType::Symlink, "b/loop.png", "loop.png");
    add(&mut tar, "a/.hidden.png", &images[2].1);
    add(&mut tar, "readme.txt", b"text");
    let long = format!("b/{}.png", "long".repeat(50));
    add(&mut tar, &long, &images[2].1);
    add(&mut tar, "b/last.png", &images[3].1);
    let mut bytes = tar.into_inner().unwrap();
    // Cut in the middle of the last image.
    bytes.truncate(bytes.len() - 1024 - 600);
    fs::write(place.path("a.tar"), &bytes).unwrap();
    place
        .frostline("extract {dir}/a.tar -o {dir}/new")
        .exits(3)
        .says(&["2 computed", "1 .txt"]);
    let replaced = "cannot be read: it is replaced by a later member of the archive with this path";
    let outside = "is a link that cannot be followed: its target is not an image of the archive";
    let rows = [
        ("a.tar/a/1.png#2", Some(replaced)),
        ("a.tar/a/2.png", Some("is a text file, not an image")),
        ("a.tar/a/1.png", None),
        ("a.tar/b/hard.png", None),
        ("a.tar/b/soft.png", None),
        ("a.tar/b/out.png", Some(outside)),
        ("a.tar/b/up.png", Some(outside)),
        (
            "a.tar/b/loop.png",
            Some("is a link that cannot be followed: it leads to itself"),
        ),
        (&*format!("a.tar/{long}"), None),
    ];
    let found = paths(&place, "new");
    let (last, found) = found.split_last().unwrap();
    let found: Vec<_> = found
        .iter()
        .map(|(path, reason)| (&**path, reason.as_deref()))
        .collect();
    assert_eq!(found, rows);
    assert_eq!(last.0, "a.tar");
    let reason = last.1.as_ref().unwrap();
    assert!(reason.contains("it is cut off"), "{reason}");
    // A file that is no archive at all.
    fs::write(place.path("b.tar"), "no archive".repeat(100)).unwrap();
    place
        .frostline("extract {dir}/b.tar -o {dir}/none")
        .exits(1)
        .says(&["cannot read the images in `", "it is not a tar archive"]);
}

#[test]
fn a_compressed_archive_may_be_cut() {
    let Some(place) = Place::fitted() else { return };
    compress(&archive(&images(&place)), &place.folder().join("a.tar.gz"));
    let bytes = fs::read(place.path("a.tar.gz")).unwrap();
    fs::write(place.path("a.tar.gz"), &bytes[..bytes.len() / 2]).unwrap();
    place
        .frostline("extract {dir}/a.tar.gz -o {dir}/new")
        .exits(3)
        .says(&["it is cut off after `"]);
    let used = paths(&place, "new")
        .iter()
        .filter(|row| row.1.is_none())
        .count();
    assert!((3..9).contains(&used), "{used}");
}
