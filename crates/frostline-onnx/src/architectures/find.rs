//! Finds the weights of a network in a checkpoint, where trainers wrap them.
//!
//! Checkpoints contain the weights in some dictionary, such as `state_dict`, and all their names may start
//! with the same prefix, such as `module.`. No list of these is needed: each dictionary is read with each
//! prefix that makes some of its names those of the network, and right is what then matches the network.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::io::{Read, Seek};
use std::rc::Rc;

use super::place::{Place, WeightsOf};
use super::plan::{End, Plan};
use crate::error::{Differences, Result, WeightsProblem};
use crate::weights::{Checkpoint, Group, Layout, StateDict, Tensor};

/// The most parts of a prefix, such as the 2 of `module.encoder_q.`.
const MAX_PARTS: usize = 8;
/// The most readings that are compared with the network, those with the most of its names first.
const MAX_READINGS: usize = 16;

/// The weights of a network.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Found {
    /// The weights, with the network's names.
    pub weights: StateDict,
    /// Where they were.
    pub place: Place,
    /// Where other weights of the network are in the same file.
    pub others: Vec<Place>,
}

/// Finds and reads the weights that match the network.
pub(super) fn find<R: Read + Seek>(
    plan: impl Fn(&StateDict) -> Plan,
    end: End,
    checkpoint: &mut Checkpoint<R>,
    of: &WeightsOf,
) -> Result<Found> {
    let mut matching: Vec<Reading> = Vec::new();
    let mut closest: Option<(usize, Place, Differences)> = None;
    let candidates = candidates(&plan(&StateDict::default()), checkpoint.groups())?;
    for candidate in &candidates {
        let reading = candidate.reading(&candidates);
        let shapes = reading.shapes();
        let differences = plan(&shapes).differences(&shapes, end)?;
        if differences != Differences::default() {
            let count = differences.missing.len() + differences.reshaped.len();
            if closest.as_ref().is_none_or(|(least, ..)| count < *least) {
                closest = Some((count, reading.place, differences));
            }
        } else if !matching.iter().any(|known| known.shares(&reading)) {
            matching.push(reading);
        }
    }
    if matching.is_empty() {
        return Err(checkpoint.fault(none_matches(closest)));
    }
    let chosen = choose(&matching, of).map_err(|problem| checkpoint.fault(problem))?;
    let chosen = matching.swap_remove(chosen);
    Ok(Found {
        weights: checkpoint.read(&chosen.tensors)?,
        place: chosen.place,
        others: matching.into_iter().map(|other| other.place).collect(),
    })
}

/// A dictionary, or those of its tensors whose names start with a prefix, without the prefix.
struct Reading {
    place: Place,
    tensors: Vec<(String, Rc<Layout>)>,
}

/// A dictionary and a prefix, with the number of the network's names that it makes.
struct Candidate<'g> {
    count: usize,
    group: &'g Group,
    prefix: &'g str,
}

impl Candidate<'_> {
    /// Returns the tensors with the prefix. Those of another model with as many of the network's names, which
    /// is in the same dictionary under a longer prefix, are left out.
    fn reading(&self, all: &[Self]) -> Reading {
        let others: Vec<&str> = all
            .iter()
            .filter(|other| std::ptr::eq(other.group, self.group) && other.count >= self.count)
            .map(|other| other.prefix)
            .filter(|other| other.len() > self.prefix.len() && other.starts_with(self.prefix))
            .collect();
        let tensors = self.group.tensors.iter().filter_map(|(name, layout)| {
            if others.iter().any(|other| name.starts_with(other)) {
                return None;
            }
            let name = name.strip_prefix(self.prefix)?;
            Some((name.to_owned(), Rc::clone(layout)))
        });
        Reading {
            place: Place {
                wrapper: self.group.place.clone(),
                prefix: self.prefix.to_owned(),
            },
            tensors: tensors.collect(),
        }
    }
}

impl Reading {
    /// Returns the tensors without their values.
    fn shapes(&self) -> StateDict {
        let tensors = self.tensors.iter().map(|(name, layout)| {
            let shape = layout.shape.clone();
            let data = Vec::new();
            (name.clone(), Tensor { shape, data })
        });
        StateDict::new("", tensors)
    }

    /// Returns whether both are the same model, which is in the file under two names.
    fn shares(&self, other: &Self) -> bool {
        let mine: HashMap<_, _> = self.tensors.iter().map(|(name, t)| (name, t)).collect();
        other.tensors.iter().all(|(name, theirs)| {
            mine.get(name)
                .is_some_and(|mine| Rc::ptr_eq(&mine.storage, &theirs.storage))
        })
    }
}

/// Returns the dictionaries and prefixes with the most names of the network; if none has any, the largest
/// dictionary.
fn candidates<'g>(plan: &Plan, groups: &'g [Group]) -> Result<Vec<Candidate<'g>>> {
    let (needed, _) = plan.needed()?;
    let known: HashSet<&str> = needed.iter().map(|(name, _)| name.as_str()).collect();
    let mut candidates = Vec::new();
    for group in groups {
        let prefixes = prefixes(group, &known);
        let candidate = |(prefix, count)| Candidate {
            count,
            group,
            prefix,
        };
        candidates.extend(prefixes.into_iter().map(candidate));
    }
    // Among equal counts, the order of the file.
    candidates.sort_by_key(|candidate| Reverse(candidate.count));
    if candidates.is_empty() {
        let largest = groups.iter().max_by_key(|group| group.tensors.len());
        candidates.extend(largest.map(|group| Candidate {
            count: 0,
            group,
            prefix: "",
        }));
    }
    candidates.truncate(MAX_READINGS);
    Ok(candidates)
}

/// Returns the prefixes without which some names are known, in order of appearance, with the number of these
/// names.
fn prefixes<'g>(group: &'g Group, known: &HashSet<&str>) -> Vec<(&'g str, usize)> {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    let mut places = HashMap::new();
    for (name, _) in &group.tensors {
        let dots = name.match_indices('.').map(|(at, _)| at + 1);
        for start in [0].into_iter().chain(dots).take(MAX_PARTS + 1) {
            let (prefix, rest) = name.split_at(start);
            if known.contains(rest) {
                let at = *places.entry(prefix).or_insert(counts.len());
                if at == counts.len() {
                    counts.push((prefix, 0));
                }
                counts[at].1 += 1;
            }
        }
    }
    counts
}

fn none_matches(closest: Option<(usize, Place, Differences)>) -> WeightsProblem {
    match closest {
        Some((_, place, differences)) if !place.is_plain() => WeightsProblem::Closest {
            place: place.described(),
            differences: differences.into(),
        },
        Some((_, _, differences)) => WeightsProblem::OtherTensors(differences),
        None => WeightsProblem::OtherTensors(Differences::default()),
    }
}

/// Returns the index of the reading to use.
fn choose(matching: &[Reading], of: &WeightsOf) -> Result<usize, WeightsProblem> {
    let kept = |keep: &dyn Fn(&Place) -> bool| -> Vec<usize> {
        let kept = matching.iter().enumerate();
        kept.filter(|(_, reading)| keep(&reading.place))
            .map(|(index, _)| index)
            .collect()
    };
    let mut wanted = match of {
        WeightsOf::Model => kept(&|place| !place.is_average()),
        WeightsOf::Ema => kept(&Place::is_average),
        WeightsOf::Named(name) => kept(&|place| place.is_called(name)),
    };
    if wanted.is_empty() && *of == WeightsOf::Model {
        wanted = kept(&|_| true);
    }
    let names = |indices: &[usize]| {
        let places = indices.iter().map(|&index| &matching[index].place);
        places.map(ToString::to_string).collect()
    };
    match wanted[..] {
        [one] => Ok(one),
        [] => Err(WeightsProblem::NotThere {
            wanted: match of {
                WeightsOf::Named(name) => format!("weights named `{name:.80}`"),
                _ => "moving average (EMA) of weights".to_owned(),
            },
            matching: names(&kept(&|_| true)),
        }),
        _ => Err(WeightsProblem::Several(names(&wanted))),
    }
}

#[cfg(test)]
mod tests;
