#!/usr/bin/env python3
"""Writes assets/data/world.tsv, the outlines of countries, from the packages that assets/data/README names:

    npm pack world-atlas@2.0.2 i18n-iso-countries@7.14.0
    tar xzf world-atlas-2.0.2.tgz --one-top-level=atlas
    tar xzf i18n-iso-countries-7.14.0.tgz --one-top-level=codes
    assets/data/world_map.py atlas/package/countries-50m.json codes/package/codes.json > assets/data/world.tsv

A line is a country's ISO 3166-1 code and its path on a map that is 1,000 units wide, in the Natural Earth
projection, without Antarctica. Borders that two countries share are made simpler together, so that no gap opens.
"""

import json
import math
import sys

WIDTH = 1000
# How far a simpler line may be from the true one, in units.
TOLERANCE = 1.45
# What is smaller is left out, in square units, unless it is the largest part of its country.
AREA_MIN = 9
# How far a mark reaches that stands for a country too small to be drawn.
MARK = 3
NORTH, SOUTH = 84, -56
# The meridian in the middle: the opposite one runs between Asia and America, so that no country is cut.
MIDDLE = 11.5


def project(longitude, latitude):
    """Tom Patterson's Natural Earth projection, as Bojan Šavrič has it as polynomials."""
    lam, phi = math.radians(longitude), math.radians(latitude)
    p2 = phi * phi
    p4 = p2 * p2
    x = lam * (0.8707 - 0.131979 * p2 + p4 * (-0.013791 + p4 * (0.003971 * p2 - 0.001529 * p4)))
    y = phi * (1.007226 + p2 * (0.015085 + p4 * (-0.044475 + 0.028874 * p2 - 0.005916 * p4)))
    return x, y


HALF = project(180, 0)[0]
SCALE = WIDTH / (2 * HALF)
TOP = project(0, NORTH)[1]


def place(point):
    longitude = (point[0] - MIDDLE + 180) % 360 - 180
    x, y = project(longitude, max(min(point[1], NORTH), SOUTH))
    return ((x + HALF) * SCALE, (TOP - y) * SCALE)


def simpler(points):
    """Douglas and Peucker's line with the fewest points that stays within the tolerance."""
    if len(points) < 3:
        return points
    (ax, ay), (bx, by) = points[0], points[-1]
    length = math.hypot(bx - ax, by - ay)
    farthest, distance = 0, -1
    for at, (x, y) in enumerate(points[1:-1], 1):
        if length:
            d = abs((bx - ax) * (ay - y) - (ax - x) * (by - ay)) / length
        else:
            d = math.hypot(x - ax, y - ay)
        if d > distance:
            farthest, distance = at, d
    if distance <= TOLERANCE:
        return [points[0], points[-1]]
    return simpler(points[: farthest + 1])[:-1] + simpler(points[farthest:])


def area(ring):
    return abs(sum(ax * by - bx * ay for (ax, ay), (bx, by) in zip(ring, ring[1:] + ring[:1]))) / 2


def crosses(ring):
    return any(abs(ax - bx) > WIDTH / 2 for (ax, _), (bx, _) in zip(ring, ring[1:]))


def written(ring):
    """The ring as a path of whole numbers, each relative to the one before."""
    (x, y), path, implied = ring[0], "", False
    path = f"M{x} {y}"
    for nx, ny in ring[1:]:
        dx, dy = nx - x, ny - y
        path += f"{'' if implied and dx < 0 else ' ' if implied else 'l'}{dx}{'' if dy < 0 else ' '}{dy}"
        x, y, implied = nx, ny, True
    return path + "z"


def rounded(ring):
    ring = [(round(x), round(y)) for x, y in ring]
    kept = [point for at, point in enumerate(ring) if point != ring[at - 1]]
    return kept if len(kept) > 2 else []


def main():
    atlas, codes = (json.load(open(name, encoding="utf-8")) for name in sys.argv[1:3])
    alpha = {number: code for code, _, number, _ in codes}
    (sx, sy), (tx, ty) = atlas["transform"]["scale"], atlas["transform"]["translate"]
    whole, simple = [], []
    for arc in atlas["arcs"]:
        x = y = 0
        points = []
        for dx, dy in arc:
            x, y = x + dx, y + dy
            points.append(place((x * sx + tx, y * sy + ty)))
        whole.append(points)
        # A closed line is simplified in two halves, so that it does not shrink to nothing.
        half = len(points) // 2
        is_closed = points[0] == points[-1]
        simple.append(simpler(points[: half + 1])[:-1] + simpler(points[half:]) if is_closed else simpler(points))

    def ring(arcs, of):
        points = []
        for arc in arcs:
            line = of[arc] if arc >= 0 else of[~arc][::-1]
            points.extend(line if not points else line[1:])
        return points

    lines = {}
    for country in atlas["objects"]["countries"]["geometries"]:
        name = country["properties"]["name"]
        code = "XK" if name == "Kosovo" else alpha.get(country.get("id"))
        if not code or code == "AQ":
            continue
        parts = country["arcs"] if country["type"] == "MultiPolygon" else [country["arcs"]]
        rings = ((ring(part[0], whole), part[0]) for part in parts)
        # One of the Aleutian islands lies on both sides of the edge.
        rings = [it for it in rings if not crosses(it[0])]
        outer = sorted(((area(points), arcs) for points, arcs in rings), key=lambda it: -it[0])
        largest = outer[0][0]
        drawn = [rounded(ring(arcs, simple)) for size, arcs in outer if size >= AREA_MIN]
        drawn = [it for it in drawn if it]
        if not drawn or largest < AREA_MIN:
            points = ring(outer[0][1], whole)
            x = round(sum(x for x, _ in points) / len(points))
            y = round(sum(y for _, y in points) / len(points))
            path = f"M{x - MARK} {y}l{MARK}-{MARK} {MARK} {MARK}-{MARK} {MARK}z"
        else:
            path = "".join(written(it) for it in drawn)
        lines[code] = lines.get(code, "") + path
    for code in sorted(lines):
        print(f"{code}\t{lines[code]}")


if __name__ == "__main__":
    main()
