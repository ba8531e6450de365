"""What both families are asked by the commands: an image, a question and a completion a line."""

IMAGES = {"wide": (140, 84), "photo": (100, 75)}  # width, height; of these Qwen2.5-VL resizes `photo` only
LINES = [
    ("wide", "Is the kite above the boat?", "<think> {'bbox_2d': [12, 30, 88, 57]} </think> <answer> no"),
    ("photo", "Which one? Café ☂", "\n<answer> right<|im_end|>"),
    ("photo", "How many people stand there?", "two"),
]
GREEDY = 20  # tokens
