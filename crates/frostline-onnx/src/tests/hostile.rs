//! Invalid graphs and damaged files cause an error, never a panic or a hang.

use rten_onnx::onnx::{DataType, GraphProto, ModelProto, NodeProto};

use crate::Network;
use crate::assemble::Storage;
use crate::tests::sample::{
    bytes_of, cut, info, model, node, open, refusal, weight, with_graph, written, zoo,
};

fn network(nodes: Vec<NodeProto>) -> ModelProto {
    let input = vec![info("data", DataType::FLOAT, &[1, 3, 9, 9])];
    model(
        8,
        13,
        nodes,
        vec![weight("w", &[243, 5], 1.0)],
        input,
        &["y"],
    )
}

#[test]
fn cycles_are_named() {
    let text = refusal(
        &network(vec![
            node("Add", &["data", "b"], &["a"]),
            node("Relu", &["a"], &["b"]),
            node("MatMul", &["b", "w"], &["y"]),
        ]),
        "penultimate",
    );
    assert!(text.contains("Add `a` depends on its own output"), "{text}");
    // A cycle of nodes that the search walks over, which must not take forever.
    let text = refusal(
        &network(vec![
            node("Identity", &["c"], &["y"]),
            node("Add", &["y", "w"], &["c"]),
            node("Relu", &["data"], &["unused"]),
        ]),
        "penultimate",
    );
    assert!(text.contains("cannot be determined"), "{text}");
}

#[test]
fn tensors_of_nobody_and_of_two_are_named() {
    let text = refusal(
        &network(vec![
            node("Conv", &["data", "nowhere"], &["x"]),
            node("MatMul", &["x", "w"], &["y"]),
        ]),
        "penultimate",
    );
    assert!(
        text.contains("Conv `x` reads `nowhere`, which is not defined"),
        "{text}"
    );
    let text = refusal(
        &network(vec![
            node("Relu", &["data"], &["x"]),
            node("Tanh", &["data"], &["x"]),
            node("MatMul", &["x", "w"], &["y"]),
        ]),
        "penultimate",
    );
    assert!(
        text.contains("tensor `x` is defined more than once"),
        "{text}"
    );
}

#[test]
fn many_ways_through_a_graph_are_not_all_gone() {
    // Each sum adds its predecessor twice: 2²⁰⁰ paths from the last to the first.
    let names: Vec<String> = (0..200).map(|i| format!("sum{i}")).collect();
    let mut nodes = vec![node("Relu", &["data"], &["sum0"])];
    nodes.extend(
        names
            .windows(2)
            .map(|two| node("Add", &[&two[0], &two[0]], &[&two[1]])),
    );
    nodes.push(node("MatMul", &["sum199", "w"], &["y"]));
    let graph = cut(&network(nodes), "penultimate").graph.unwrap();
    assert_eq!(graph.node.len(), 200);
}

#[test]
fn graphs_a_hundred_deep_are_refused() {
    let mut inner = node("Relu", &["data"], &["x"]);
    for _ in 0..100 {
        let graph = GraphProto {
            node: vec![inner],
            ..GraphProto::default()
        };
        inner = with_graph(node("If", &["data"], &["x"]), "then_branch", graph);
    }
    let deep = written(&network(vec![inner, node("MatMul", &["x", "w"], &["y"])]));
    let message = Network::read(&deep.path, open).unwrap_err().to_string();
    assert!(message.contains("are nested too deeply"), "{message}");
}

#[test]
fn no_damage_makes_it_panic() {
    let whole = bytes_of(&zoo());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.onnx");
    let attempt = |bytes: &[u8]| -> crate::Result<()> {
        std::fs::write(&path, bytes).unwrap();
        let network = Network::read(&path, open)?;
        let cut = network.cut(&"penultimate".into())?;
        cut.model_message(&Storage::Inside)?;
        Ok(())
    };
    attempt(&whole).unwrap();
    for end in 0..whole.len() {
        assert!(attempt(&whole[..end]).is_err(), "cut at {end}");
    }
    for at in (0..whole.len()).step_by(5) {
        let mut other = whole.clone();
        other[at] = if at % 2 == 0 { 0x00 } else { 0xff };
        let _ = attempt(&other);
        let mut longer = whole.clone();
        longer.splice(at..=at, [0xff; 9].into_iter().chain([0x01]));
        let _ = attempt(&longer);
    }
}
