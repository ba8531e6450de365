"""Asks a server by OpenAI's Python client, whole and streamed, and prints what came as JSON.

    python openai_client.py URL IMAGE QUESTION MAX_TOKENS
"""
import base64
import json
import sys

import openai

url, image, question, max_tokens = sys.argv[1:]
client = openai.OpenAI(base_url=url, api_key="any", max_retries=0)
with open(image, "rb") as file:
    data = base64.b64encode(file.read()).decode()
content = [
    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}},
    {"type": "text", "text": question},
]
asked = {
    "model": "grit-tiny-base:grit",
    "messages": [{"role": "user", "content": content}],
    "max_tokens": int(max_tokens),
}
choice = client.chat.completions.create(**asked, temperature=0).choices[0]
streamed = "".join(
    chunk.choices[0].delta.content or ""
    for chunk in client.chat.completions.create(**asked, temperature=0, stream=True)
)
try:
    client.chat.completions.create(**asked, temperature=5)
    error = None
except openai.APIStatusError as refused:
    error = [type(refused).__name__, refused.param]
print(json.dumps({
    "whole": choice.message.content,
    "streamed": streamed,
    "boxes": choice.grit["boxes"],
    "error": error,
}))
