package main

import (
	"math"
	"testing"
)

// TestDistanceIsSafe walks rays to every solid in steps of its distance and wants no step to jump over the surface:
// from outside, half a step must never end inside.
func TestDistanceIsSafe(t *testing.T) {
	t.Parallel()
	for _, c := range crops() {
		for _, v := range c.varieties {
			t.Run(c.name+" "+v.slug, func(t *testing.T) {
				t.Parallel()
				d := newDice(8, c.name, 1)
				s := v.grow(d).parts[0].solid
				for range 400 {
					p, q := d.direction().scale(s.radius()), d.direction()
					if s.distance(p) <= 0 {
						t.Fatalf("bounding sphere of radius %g cuts the solid at %+v", s.radius(), p)
					}
					for range 60 {
						step := s.distance(p)
						if step < 0.002 || p.length() > 1.5*s.radius() {
							break
						}
						if in := s.distance(p.along(q, step/2)); in < -0.005 {
							t.Fatalf("from %+v half of the distance %g leads %g deep", p, step, -in)
						}
						p = p.along(p.unit(), -step*0.9)
					}
				}
			})
		}
	}
}

func TestSettleKeepsPiecesApart(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		length float64
		n      int
	}{{"balls", 0, 12}, {"capsules", 1.4, 8}}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := newDice(4, c.name, 0)
			pebbles := make([]*pebble, 0, c.n)
			for i := range c.n {
				at := vec{d.between(-2, 2), 1 + float64(i)*0.4, d.between(-2, 2)}
				pebbles = append(pebbles, &pebble{a: at, b: at.add(vec{c.length, 0, 0}), length: c.length, r: 1})
			}
			settle(pebbles, nil, 200)
			for i, p := range pebbles {
				if low := min(p.a.y, p.b.y); low < 0.9 {
					t.Errorf("piece %d lies %g deep in the table", i, 1-low)
				}
				for j, q := range pebbles[:i] {
					h, k := closest(p.a, p.b, q.a, q.b)
					if gap := mix(p.a, p.b, h).sub(mix(q.a, q.b, k)).length(); gap < 1.8 {
						t.Errorf("pieces %d and %d are %g apart, want 2", i, j, gap)
					}
				}
			}
		})
	}
}

func TestFramesTurnWithoutStretching(t *testing.T) {
	t.Parallel()
	d := newDice(1, "frame", 0)
	for range 50 {
		f := facing(d.direction(), d.between(0, 7)).then(facing(d.direction(), d.between(0, 7)))
		p := d.direction().scale(3)
		if back := f.toLocal(f.toWorld(p)); back.sub(p).length() > 1e-9 {
			t.Fatalf("%+v comes back as %+v", p, back)
		}
		if hand := f.x.cross(f.y).dot(f.z); math.Abs(hand-1) > 1e-9 {
			t.Fatalf("frame has determinant %g, want 1", hand)
		}
	}
}
