#!/usr/bin/env bash
# MathNet.Numerics 5.0.0: inverse distribution functions far out, where corrections for many comparisons look.
# Exact at 1e-8: t with 1 degree of freedom tan(π(p − ½)) = -31830988.6; Gamma(½, 1) (p·Γ(1.5))² = 7.854e-17;
# chi-squared with 1 degree of freedom 1.571e-16; at 1e-15 the last is 1.571e-30.
. "$(dirname "$0")/support.sh"
build <<'CS'
#:package MathNet.Numerics@5.0.0
using System.Globalization;
using MathNet.Numerics.Distributions;
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
string Of(Func<double> quantile)
{
    try { return quantile().ToString("0.000e+00"); }
    catch (Exception e) { return e.GetType().Name; }
}
Console.WriteLine("t, 1 degree of freedom, 1e-3: " + Of(() => StudentT.InvCDF(0, 1, 1, 1e-3)) + ", 1e-8: " + Of(() => StudentT.InvCDF(0, 1, 1, 1e-8)));
Console.WriteLine("t, 2 degrees of freedom, 1e-8: " + Of(() => StudentT.InvCDF(0, 1, 2, 1e-8)));
Console.WriteLine("gamma(1/2), 1e-8: " + Of(() => Gamma.InvCDF(0.5, 1, 1e-8)));
Console.WriteLine("chi-squared, 1 degree of freedom, 1e-8: " + Of(() => ChiSquared.InvCDF(1, 1e-8)) + ", 1e-15: " + Of(() => ChiSquared.InvCDF(1, 1e-15)));
CS
expect <<'OUT'
t, 1 degree of freedom, 1e-3: -3.183e+02, 1e-8: NonConvergenceException
t, 2 degrees of freedom, 1e-8: NonConvergenceException
gamma(1/2), 1e-8: 1.110e-15
chi-squared, 1 degree of freedom, 1e-8: 2.220e-15, 1e-15: 0.000e+00
OUT
