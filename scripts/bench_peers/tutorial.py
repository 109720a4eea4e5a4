"""A worker: the tutorial's fine-tuning of VGG19, frozen except for a new last layer.

usage: tutorial.py MODEL IMAGES THREADS plain|channels-last

`go N` is N steps of 32 images. Each step reads its images, runs the whole network on them in training mode
(with the tutorial's dropout), and updates the last layer with SGD, learning rate 0.001 and momentum 0.9.
Incomplete batches at the end of an epoch are dropped, so that every timed step has 32 images.
"""

import sys
import time

from protocol import serve, take_standard_output


def main():
    model, images, threads, layout = sys.argv[1:]
    take_standard_output()
    import torch
    from network import Network
    from pictures import Pictures
    from torch import nn
    from torch.utils.data import DataLoader

    torch.set_num_threads(int(threads))
    memory = torch.channels_last if layout == "channels-last" else torch.contiguous_format
    frozen = Network(model)
    for parameter in frozen.parameters():
        parameter.requires_grad = False
    # The file ends with the second-to-last layer and does not contain the dropout after it.
    network = nn.Sequential(frozen, nn.Dropout(), nn.Linear(4096, 2)).train().to(memory_format=memory)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(network[2].parameters(), lr=0.001, momentum=0.9)
    loader = DataLoader(Pictures(images, "tutorial"), 32, shuffle=True, drop_last=True)

    def endless():
        while True:
            yield from loader

    batches = endless()

    def steps(count):
        begin = time.perf_counter()
        for _ in range(int(count)):
            images, targets = next(batches)
            optimizer.zero_grad()
            criterion(network(images.contiguous(memory_format=memory)), targets).backward()
            optimizer.step()
        return time.perf_counter() - begin

    serve(f"torch {torch.__version__.split('+')[0]}, {layout}", steps)


main()
