"""Drawings of a plan: Mermaid text, a stand-alone SVG, boxes for a terminal."""
