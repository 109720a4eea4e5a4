//! The step of SGD: from a gradient to new values.

use crate::head::params::FitValues;

/// The step's constants: `θ ← θ - lr · (of_gradient · g + of_velocity · v)`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    pub(crate) lr: f32,
    pub(crate) momentum: f32,
    pub(crate) weight_decay: f32,
    pub(crate) of_gradient: f32,
    pub(crate) of_velocity: f32,
}

impl Rule {
    pub(crate) fn new(values: &FitValues) -> Self {
        let momentum = values.momentum;
        let (of_gradient, of_velocity) = if values.nesterov {
            (1.0, momentum)
        } else {
            (0.0, 1.0)
        };
        Self {
            lr: values.lr,
            momentum,
            weight_decay: values.weight_decay,
            of_gradient,
            of_velocity,
        }
    }

    pub(crate) fn set_lr(&mut self, lr: f32) {
        self.lr = lr;
    }

    /// Moves the values by the gradient times `scale`, through the velocity, and sets the gradient back to 0.
    pub(crate) fn apply(
        &self,
        values: &mut [f32],
        gradient: &mut [f32],
        velocity: &mut [f32],
        scale: f32,
    ) {
        let numbers = values.iter_mut().zip(gradient).zip(velocity);
        for ((value, gradient), velocity) in numbers {
            let g = *gradient * scale + self.weight_decay * *value;
            *velocity = self.momentum * *velocity + g;
            *value -= self.lr * (self.of_gradient * g + self.of_velocity * *velocity);
            *gradient = 0.0;
        }
    }
}

/// What moves the numbers that are learned: the gradient of the batch so far, and the velocity v.
#[derive(Debug, Clone)]
pub(crate) struct Motion {
    /// The sum over the samples of the batch so far.
    pub(crate) gradient: Vec<f32>,
    velocity: Vec<f32>,
}

impl Motion {
    pub(crate) fn new(n: usize) -> Self {
        Self {
            gradient: vec![0.0; n],
            velocity: vec![0.0; n],
        }
    }

    /// Moves the values by the gradient times `scale` and sets it back to 0.
    pub(crate) fn update(&mut self, values: &mut [f32], rule: &Rule, scale: f32) {
        rule.apply(values, &mut self.gradient, &mut self.velocity, scale);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two steps from 1 with the gradients 2 and -1, lr 0.1.
    fn two_steps(momentum: f32, nesterov: bool, weight_decay: f32) -> f32 {
        let values = FitValues {
            lr: 0.1,
            momentum,
            nesterov,
            weight_decay,
            ..FitValues::default()
        };
        let (rule, mut motion, mut value) = (Rule::new(&values), Motion::new(1), [1.0]);
        for gradient in [2.0, -1.0] {
            // The batch's sum; its scale makes the mean of it.
            motion.gradient[0] += 4.0 * gradient;
            motion.update(&mut value, &rule, 0.25);
        }
        value[0]
    }

    #[test]
    fn steps_are_those_of_paper() {
        let close = |a: f32, b: f32| assert!((a - b).abs() < 1e-6, "{a} {b}");
        // 1 - 0.2 + 0.1.
        close(two_steps(0.0, false, 0.0), 0.9);
        // v = 2, then 0.5 * 2 - 1 = 0: 1 - 0.2 - 0.
        close(two_steps(0.5, false, 0.0), 0.8);
        // 1 - 0.1 (2 + 1) = 0.7, then 0.7 - 0.1 (-1 + 0) = 0.8.
        close(two_steps(0.5, true, 0.0), 0.8);
        // g = 2 + 0.5 = 2.5: 0.75; g = -1 + 0.375 = -0.625: 0.8125.
        close(two_steps(0.0, false, 0.5), 0.8125);
    }
}
