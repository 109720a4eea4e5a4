//! What limited the speed of a run, and what would help.

use std::thread::available_parallelism;

use frostline::features::{Bound, Reduced, Speed};

/// Returns the speed of a run, what limited it and what would help; `None` if the run was too short to tell.
///
/// `reduced` says how to decode JPEGs at a reduced scale.
pub(super) fn speed_text(
    speed: &Speed,
    device: &str,
    threads: usize,
    reduced: &str,
) -> Option<String> {
    let (bound, seconds) = (speed.bound?, speed.elapsed.as_secs_f64());
    let cpus = available_parallelism().map_or(1, usize::from);
    let more = (threads < cpus).then(|| format!("--threads {cpus} would help"));
    let help = match bound {
        Bound::Reading => "a faster disk would help".to_owned(),
        Bound::Decoding(saved) => {
            let faster = worth_it(speed, saved);
            let faster =
                faster.map(|rate| format!("{reduced} would reach about {rate:.0} images/s"));
            faster.or(more).unwrap_or_else(|| match saved {
                Reduced::Untried => format!("{reduced} may help, as would more CPUs"),
                _ => "more CPUs would help".to_owned(),
            })
        }
        Bound::Network if device != "cpu" => {
            "a smaller backbone or a lower --precision would help".to_owned()
        }
        Bound::Network => {
            more.unwrap_or_else(|| "a GPU, more CPUs or a smaller backbone would help".to_owned())
        }
    };
    let what = match bound {
        Bound::Reading => "reading",
        Bound::Decoding(_) => "decoding",
        Bound::Network => "the backbone",
    };
    let rate = rate(speed, seconds);
    Some(format!("{rate:.1} images/s, limited by {what}; {help}"))
}

/// Returns the images per second at a reduced scale, if that is fast enough to be worth different features.
fn worth_it(speed: &Speed, saved: Reduced) -> Option<f64> {
    const WORTH: f64 = 1.2;
    let Reduced::Saves(saved) = saved else {
        return None;
    };
    let seconds = speed.elapsed.as_secs_f64();
    let faster = rate(speed, seconds - saved.as_secs_f64());
    (faster >= WORTH * rate(speed, seconds)).then_some(faster)
}

fn rate(speed: &Speed, seconds: f64) -> f64 {
    speed.computed as f64 / seconds.max(1e-9)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn text(bound: Option<Bound>, device: &str, threads: usize) -> Option<String> {
        let speed = Speed {
            computed: 90,
            elapsed: Duration::from_secs(10),
            bound,
            ..Speed::default()
        };
        speed_text(&speed, device, threads, "--jpeg-scale reduced")
    }

    fn decoding(saved: u64) -> Bound {
        Bound::Decoding(Reduced::Saves(Duration::from_millis(saved)))
    }

    const ALL: usize = usize::MAX;

    #[test]
    fn each_bound_is_told_with_what_would_help() {
        // 90 images in 10 s, and in 4.5 s.
        let reduced = "9.0 images/s, limited by decoding; --jpeg-scale reduced would reach about 20 \
                       images/s";
        assert_eq!(text(Some(decoding(5500)), "cpu", ALL).unwrap(), reduced);
        let cpus = "9.0 images/s, limited by decoding; more CPUs would help";
        assert_eq!(text(Some(decoding(0)), "cuda:0", ALL).unwrap(), cpus);
        assert_eq!(text(Some(decoding(1600)), "cpu", ALL).unwrap(), cpus);
        let nothing = Some(Bound::Decoding(Reduced::Nothing));
        assert_eq!(text(nothing, "cpu", ALL).unwrap(), cpus);
        let untried = "9.0 images/s, limited by decoding; --jpeg-scale reduced may help, as would more \
                       CPUs";
        let bound = Some(Bound::Decoding(Reduced::Untried));
        assert_eq!(text(bound, "cpu", ALL).unwrap(), untried);
        let network = "9.0 images/s, limited by the backbone; a GPU, more CPUs or a smaller backbone \
                       would help";
        assert_eq!(text(Some(Bound::Network), "cpu", ALL).unwrap(), network);
        let gpu = "9.0 images/s, limited by the backbone; a smaller backbone or a lower --precision \
                   would help";
        assert_eq!(text(Some(Bound::Network), "cuda:0", ALL).unwrap(), gpu);
        let disk = "9.0 images/s, limited by reading; a faster disk would help";
        assert_eq!(text(Some(Bound::Reading), "cpu", ALL).unwrap(), disk);
        assert_eq!(text(None, "cpu", ALL), None);
    }

    #[test]
    fn threads_help_where_there_are_more_cpus() {
        let cpus = available_parallelism().unwrap().get();
        for (bound, what) in [(decoding(0), "decoding"), (Bound::Network, "the backbone")] {
            let all = format!("9.0 images/s, limited by {what}; --threads {cpus} would help");
            let text = text(Some(bound), "cpu", 0);
            assert_eq!(text, Some(all), "every machine has more than 0 CPUs");
        }
    }
}
