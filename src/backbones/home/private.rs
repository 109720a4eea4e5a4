//! Finds out who else can change a file, by the rules that `sshd` applies to a user's own files (its
//! `StrictModes`).
//!
//! Each folder on the path must belong to root or this user, and nobody else may be able to write to it. A
//! sticky folder such as `/tmp` is accepted, since only owners can rename its files. For the home and
//! everything in it, sticky is not enough: anybody could add a library there. Below a folder that only its
//! owner can enter, modes no longer matter. A group that can write counts as others unless it is the owner's
//! own group, which has the same number as the owner on most Linux systems.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use crate::error::{SharedPlace, SharedReason};

/// The maximum number of links, the same as on Linux.
const MOST_LINKS: usize = 40;

/// A part of a path that has not been checked yet.
struct Step {
    name: PathBuf,
    role: Role,
}

#[derive(Clone, Copy, PartialEq)]
enum Role {
    /// A folder on the path to the home.
    OnTheWay,
    /// The home, or something in it.
    InHome,
}

/// Checks that no other user can change `path`, an absolute path in the folder `home`. A path that is missing
/// or inaccessible passes, since it cannot be used either.
pub(super) fn check(home: &Path, path: &Path) -> Result<(), SharedPlace> {
    let on_the_way = home.components().count() - 1;
    let parts = path.components().enumerate();
    let steps = parts.map(|(i, part)| {
        let role = if i < on_the_way {
            Role::OnTheWay
        } else {
            Role::InHome
        };
        step(part, role)
    });
    walk(steps.collect(), rustix::process::geteuid().as_raw())
}

fn step(part: Component<'_>, role: Role) -> Step {
    let name = PathBuf::from(part.as_os_str());
    Step { name, role }
}

/// Follows the path as the system does, for the user `me`.
fn walk(mut rest: Vec<Step>, me: u32) -> Result<(), SharedPlace> {
    let (mut at, mut is_closed, mut links) = (PathBuf::new(), false, 0);
    rest.reverse();
    while let Some(Step { name, role }) = rest.pop() {
        let next = at.join(name);
        let Ok(about) = fs::symlink_metadata(&next) else {
            return Ok(());
        };
        // Only a folder can contain anything.
        if role == Role::OnTheWay && !about.is_dir() && !about.is_symlink() {
            return Ok(());
        }
        let shared = |reason| SharedPlace {
            place: next.clone(),
            reason,
        };
        if let Some(reason) = fault(&about, role, me, is_closed) {
            return Err(shared(reason));
        }
        if about.is_symlink() {
            links += 1;
            if links > MOST_LINKS {
                return Err(shared(SharedReason::Links));
            }
            rest.extend(steps_of_link(&next, role));
            // The link may lead out of the closed folder.
            is_closed = false;
        } else {
            is_closed |= about.is_dir() && about.mode() & 0o011 == 0;
            at = next;
        }
    }
    Ok(())
}

/// Returns the steps to a link's target, in reverse order. The target takes the role of the link.
fn steps_of_link(link: &Path, role: Role) -> Vec<Step> {
    let target = fs::read_link(link).unwrap_or_default();
    let parts = target.components().rev().enumerate();
    let role_of = |i| if i == 0 { role } else { Role::OnTheWay };
    parts.map(|(i, part)| step(part, role_of(i))).collect()
}

fn fault(about: &Metadata, role: Role, me: u32, is_closed: bool) -> Option<SharedReason> {
    let (owner, mode) = (about.uid(), about.mode());
    if owner != 0 && owner != me {
        return Some(SharedReason::Owner(owner));
    }
    let is_sticky = about.is_dir() && mode & 0o1000 != 0;
    // The mode of a link has no meaning.
    if is_closed || about.is_symlink() || (role == Role::OnTheWay && is_sticky) {
        return None;
    }
    let by_group = mode & 0o020 != 0 && about.gid() != owner;
    (by_group || mode & 0o002 != 0).then_some(SharedReason::Mode(mode & 0o7777))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use super::*;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Creates a folder that others can enter, with `home/models/a.onnx` in it. Returns it and the paths of
    /// the home and the file.
    fn home() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let parent = tempfile::tempdir().unwrap();
        set_mode(parent.path(), 0o755);
        let home = parent.path().join("home");
        let file = home.join("models/a.onnx");
        fs::create_dir_all(home.join("models")).unwrap();
        fs::write(&file, "network").unwrap();
        for (path, mode) in [
            (&home, 0o755),
            (&home.join("models"), 0o755),
            (&file, 0o644),
        ] {
            set_mode(path, mode);
        }
        (parent, home, file)
    }

    fn reason(home: &Path, file: &Path) -> Option<(PathBuf, SharedReason)> {
        let shared = check(home, file).err()?;
        Some((shared.place, shared.reason))
    }

    #[test]
    fn nobody_else_may_write_to_home_folder_or_file() {
        let (_parent, home, file) = home();
        assert_eq!(reason(&home, &file), None);
        for place in [&home, &home.join("models"), &file] {
            let mode = fs::metadata(place).unwrap().mode();
            // Anybody can add files to a sticky folder.
            for open in [0o777, 0o757, 0o1777] {
                set_mode(place, open);
                let found = reason(&home, &file);
                assert_eq!(found, Some((place.clone(), SharedReason::Mode(open))));
            }
            set_mode(place, mode);
        }
        assert_eq!(reason(&home, &file), None);
        assert_eq!(reason(&home, &home.join("runtime/libonnxruntime.so")), None);
    }

    #[test]
    fn a_folder_on_the_way_may_be_sticky() {
        let (parent, home, file) = home();
        set_mode(parent.path(), 0o1777);
        assert_eq!(reason(&home, &file), None);
        set_mode(parent.path(), 0o777);
        let found = reason(&home, &file);
        assert_eq!(
            found,
            Some((parent.path().into(), SharedReason::Mode(0o777)))
        );
    }

    #[test]
    fn the_owners_own_group_may_write_and_no_other() {
        let (_parent, home, file) = home();
        let owner = fs::metadata(&file).unwrap().uid();
        if chown(&file, None, Some(owner)).is_ok() {
            set_mode(&file, 0o664);
            assert_eq!(reason(&home, &file), None);
        }
        if chown(&file, None, Some(owner + 1)).is_err() {
            eprintln!("not tested: only root can give a file to another group");
            return;
        }
        set_mode(&file, 0o664);
        let found = reason(&home, &file);
        assert_eq!(found, Some((file.clone(), SharedReason::Mode(0o664))));
        // Now only the owner can reach the file.
        set_mode(&home, 0o700);
        assert_eq!(reason(&home, &file), None);
    }

    #[test]
    fn all_belongs_to_root_or_the_user() {
        let (_parent, home, file) = home();
        let me = fs::metadata(&file).unwrap().uid();
        if chown(&file, Some(4321), None).is_err() {
            eprintln!("not tested: only root can give a file to another user");
            return;
        }
        let found = reason(&home, &file);
        assert_eq!(found, Some((file.clone(), SharedReason::Owner(4321))));
        let parts = file.components().map(|part| step(part, Role::InHome));
        let of_other = walk(parts.collect(), 4321).err();
        // Everything else belongs to root here, except the folder of temporary files, to which anybody can
        // write.
        assert!(of_other.is_none_or(|shared| shared.reason != SharedReason::Owner(me)));
    }

    #[test]
    fn links_are_followed_to_what_counts() {
        let (parent, home, file) = home();
        let away = parent.path().join("away");
        fs::create_dir_all(away.join("models")).unwrap();
        fs::rename(&file, away.join("models/a.onnx")).unwrap();
        fs::remove_dir(home.join("models")).unwrap();
        symlink("../away/models", home.join("models")).unwrap();
        assert_eq!(reason(&home, &file), None);
        for (place, mode, is_fine) in [
            (away.clone(), 0o1777, true),
            (away.clone(), 0o777, false),
            (away.join("models"), 0o1777, false),
        ] {
            set_mode(&place, mode);
            let found = reason(&home, &file).map(|(_, reason)| reason);
            assert_eq!(found, (!is_fine).then_some(SharedReason::Mode(mode)));
            set_mode(&place, 0o755);
        }
        symlink("loop", home.join("loop")).unwrap();
        let found = reason(&home, &home.join("loop"));
        assert_eq!(found.unwrap().1, SharedReason::Links);
    }
}
